import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './packed.js'

interface Locked {
  readonly version?: string
  readonly link?: boolean
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Readonly<Record<string, Locked>> }

describe('package-lock.json', () => {
  it('names every optional platform package, or npm ci refuses it: run node scripts/complete-lock.mjs', () => {
    const names = new Set(Object.keys(packages).map(place => place.split('node_modules/').at(-1)))
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    expect(wanted.filter(name => !names.has(name))).toEqual([])
  })

  it('comes from the registry alone', () => {
    const elsewhere = Object.entries(packages).filter(
      ([, { resolved, link }]) => !link && resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
    )
    expect(elsewhere.map(([place]) => place)).toEqual([])
  })
})
