import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codeOf, entries, sourceFiles } from '../architecture/source-files.js'
import { documents, layerName, root, section, tableRows } from './documents.js'
import { publicNames } from './public-names.js'

const pages = documents()
const textOf = (name: string): string => pages.find(page => page.name === name)?.text ?? ''

describe('the pages', () => {
  it.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/guide.md', 'docs/writing-middleware.md', 'docs/errors.md'])(
    '%s is there',
    name => {
      expect(textOf(name).trim()).not.toBe('')
    },
  )

  it('link to files that are there', () => {
    const links = pages.flatMap(({ name, text }) =>
      [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(match => ({ name, target: match[1]! })),
    )
    expect(links.filter(({ name, target }) => !existsSync(join(root, dirname(name), target)))).toEqual([])
  })

  it('link to headings that are there', () => {
    const slug = (heading: string): string =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-')
    const anchors = new Map(pages.map(({ name, text }) => [name, [...text.matchAll(/^#{1,6} (.+)$/gm)].map(match => slug(match[1]!))]))
    const links = pages.flatMap(({ name, text }) =>
      [...text.matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)].map(match => ({
        page: match[1] ? join(dirname(name), match[1]) : name,
        anchor: match[2]!,
      })),
    )
    expect(links).not.toHaveLength(0)
    expect(links.filter(({ page, anchor }) => !anchors.get(page)?.includes(anchor))).toEqual([])
  })

  it('name npm scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    const named = pages.flatMap(({ name, text }) =>
      [...text.matchAll(/npm (?:run ([\w:-]+)|(test|start)\b)/g)].map(match => ({ name, script: match[1] ?? match[2]! })),
    )
    expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([])
  })

  it('say the version of the package in the changelog', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(textOf('CHANGELOG.md')).toMatch(new RegExp(`^## \\[?v?${version.replaceAll('.', '\\.')}`, 'm'))
  })
})

describe('docs/errors.md', () => {
  const classes = [...sourceFiles('lib'), ...sourceFiles('middleware')].flatMap(file =>
    [...codeOf(file).matchAll(/class (\w+) extends OutriggerError[\s\S]*?super\(\s*'(ERR_\w+)'/g)].map(
      match => [match[1]!, match[2]!] as const,
    ),
  )
  const documented = tableRows(textOf('docs/errors.md')).filter(([name]) => /^\w+Error$/.test(name ?? ''))

  it('has a row for each error class, with its code, and no other', () => {
    expect(classes).not.toHaveLength(0)
    expect(documented.map(([name, code]) => `${name} ${code}`).sort()).toEqual(classes.map(([name, code]) => `${name} ${code}`).sort())
  })

  it('says in each row what it means and what to do', () => {
    expect(documented.filter(cells => cells.length < 4 || cells.some(cell => cell === ''))).toEqual([])
  })
})

describe('the version of Node', () => {
  it.each(['README.md', 'CONTRIBUTING.md'])('stands in %s as in package.json', name => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly engines: { readonly node: string } }
    expect(textOf(name)).toContain(engines.node.replace('>=', ''))
  })
})

describe('every public name', () => {
  const all = pages.map(({ text }) => text).join('\n')
  const mentioned = (name: string): boolean => new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(all)

  it.each([...entries()])('of %s stands in the docs', (_entry, file) => {
    expect(publicNames(file)).not.toEqual([])
    expect(publicNames(file).filter(name => !mentioned(name))).toEqual([])
  })
})

describe('the pages of the layers', () => {
  const headings = ['What it does', 'When', 'When not', 'Use', 'Options', 'Reads and provides', 'Errors', 'Order']
  const layers = sourceFiles('middleware').filter(file => /^middleware\/with-[^/]+\.ts$/.test(file))
  const code = sourceFiles('middleware').map(codeOf).join('\n')
  const pageOf = (file: string): string => textOf(file.replace(/^middleware\/(.+)\.ts$/, 'docs/$1.md'))

  /** The fields of `BudgetOptions` for `withBudget`, and of what it extends; none where the layer takes no options. */
  function optionsOf(file: string): readonly string[] {
    const noun = layerName(file).replace(/^with/, '')
    const own = fieldsOf(`With${noun}Options`)
    return own.length > 0 ? own : fieldsOf(`${noun}Options`)
  }

  function fieldsOf(name: string): readonly string[] {
    const found = new RegExp(`export interface ${name}\\b(?: extends (\\w+))?[^{]*\\{([\\s\\S]*?)^\\}`, 'm').exec(code)
    const own = [...(found?.[2] ?? '').matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(match => match[1]!)
    return found?.[1] ? [...fieldsOf(found[1]), ...own] : own
  }

  it('are for layers that are there', () => {
    const expected = layers.map(file => file.replace(/^middleware\/(.+)\.ts$/, 'docs/$1.md'))
    const found = pages.map(({ name }) => name).filter(name => /^docs\/with-[^/]+\.md$/.test(name))
    expect(layers).not.toHaveLength(0)
    expect(found).toEqual(expected)
  })

  it.each(layers)('%s: the same headings in the same order', file => {
    const found = [...pageOf(file).matchAll(/^## (.+)$/gm)].map(match => match[1]!.trim())
    expect({ title: /^# (.+)$/m.exec(pageOf(file))?.[1], found }).toEqual({ title: layerName(file), found: headings })
  })

  it.each(layers)('%s: no heading without a text', file => {
    expect(headings.filter(heading => section(pageOf(file), heading).slice(heading.length).trim() === '')).toEqual([])
  })

  it.each(layers)('%s: a row for each option', file => {
    expect(tableRows(section(pageOf(file), 'Options')).map(([name]) => name)).toEqual(optionsOf(file))
  })
})
