import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The root of the checkout. */
export const root = join(__dirname, '../..')

/** A page. */
export interface Document {
  /** From the root: `docs/guide.md`. */
  readonly name: string
  readonly text: string
}

/** A code fence. */
export interface Fence {
  readonly document: string
  /** What stands after the three backticks. */
  readonly info: string
  readonly code: string
  /** The line of its first line of code in the document, from 1. */
  readonly line: number
}

/** Every markdown page that we ship or that GitHub shows. */
export function documents(): readonly Document[] {
  const top = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].filter(name => existsSync(join(root, name)))
  const docs = existsSync(join(root, 'docs')) ? (readdirSync(join(root, 'docs'), { recursive: true }) as string[]) : []
  const presets = ['README.md', ...readdirSync(join(root, 'presets')).map(name => `${name}/README.md`)].map(name => `presets/${name}`)
  const names = [
    ...top,
    ...docs.filter(name => name.endsWith('.md')).map(name => `docs/${name}`),
    ...presets.filter(name => existsSync(join(root, name))),
  ]
  return names.sort().map(name => ({ name, text: readFileSync(join(root, name), 'utf8') }))
}

/** The code fences of a page, in order. */
export function fencesOf({ name, text }: Document): readonly Fence[] {
  return [...text.matchAll(/^( *)(`{3,})([^\n`]*)\n([\s\S]*?)^\1\2 *$/gm)].map(({ index, 1: indent = '', 3: info = '', 4: code = '' }) => ({
    document: name,
    info: info.trim(),
    code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    line: text.slice(0, index).split('\n').length + 1,
  }))
}

/** The cells of the tables of a text, row by row, without the heads; backticks taken off, `\|` unescaped. */
export function tableRows(text: string): readonly (readonly string[])[] {
  const rows = text.split('\n').map(line =>
    /^\s*\|.*\|\s*$/.test(line)
      ? line
          .trim()
          .slice(1, -1)
          .split(/(?<!\\)\|/)
      : undefined,
  )
  const isRule = (row: readonly string[] | undefined) => row?.every(cell => /^\s*:?-+:?\s*$/.test(cell)) ?? false
  return rows.flatMap((row, at) =>
    row && !isRule(row) && !isRule(rows[at + 1])
      ? [
          row.map(cell =>
            cell
              .trim()
              .replace(/^`([^`]*)`$/, '$1')
              .replaceAll('\\|', '|'),
          ),
        ]
      : [],
  )
}

/** The text below a heading of level two, up to the next one. */
export function section(text: string, heading: string): string {
  return text.split(/^## /m).find(part => part.split('\n', 1)[0]!.trim() === heading) ?? ''
}

/** `middleware/with-soft-landing.ts` → `withSoftLanding`. */
export function layerName(file: string): string {
  return basename(file, '.ts').replace(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
}
