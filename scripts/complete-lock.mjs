// node scripts/complete-lock.mjs: adds to package-lock.json the optional platform packages that a registry mirror did not serve when it was
// written. Without them `npm ci` calls the lock out of date, on every machine. Run it after `npm install`; a test holds it.
import { readFileSync, writeFileSync } from 'node:fs'
import { at } from './project.mjs'

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** Where a package is looked for from a place in the tree, innermost first. */
function places(from, name) {
  const found = [`${from}/node_modules/${name}`]
  for (let at = from; at !== ''; ) {
    at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))
    found.push(`${at}${at ? '/' : ''}node_modules/${name}`)
  }
  return found
}

/** What a platform package's name says about where it runs. */
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = words.filter(word => systems.includes(word))
  const cpu = words.filter(word => processors.includes(word))
  if (os.length !== 1 || cpu.length !== 1) return undefined
  const musl = words.some(word => word.startsWith('musl'))
  return { cpu, ...(os[0] === 'linux' && words.some(word => /^(gnu|glibc|musl)/.test(word)) && { libc: [musl ? 'musl' : 'glibc'] }), os }
}

/** Keys as npm writes them: the version, then the rest by name. */
const inOrder = ({ version, ...rest }) => ({ version, ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))) })

/** The optional platform packages that are missing: place in the tree → entry. */
function missing(packages) {
  const entries = Object.entries(packages).flatMap(([from, { optionalDependencies = {}, dev }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !places(from, name).some(place => packages[place]))
      .map(([name, version]) => [`node_modules/${name}`, inOrder({ ...platformOf(name), ...(dev && { dev }), optional: true, version })]),
  )
  const unclear = entries.filter(([, { os, version }]) => !os || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)).map(([place]) => place)
  if (unclear.length > 0)
    throw new Error(`write these into package-lock.json by hand, their platform or version is not clear: ${unclear.join(', ')}`)
  return Object.fromEntries(entries)
}

const file = at('package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
const added = missing(lock.packages)
if (Object.keys(added).length > 0) {
  const sorted = Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => a.localeCompare(b, 'en'))
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
}
process.stderr.write(`${Object.keys(added).length} added\n`)
