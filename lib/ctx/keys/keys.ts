import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SigningError } from '../../core/errors.js'
import { keepForItself } from '../../core/own-files.js'
import { decodeBase64, encodeBase64 } from '../base64-strict.js'
import { type Engine, nodeEngine, PrivateKey } from './ed25519.js'
import { checkFolder, forbidden, readTrustedFile, syncFolder, writeNewFile } from './key-file.js'
import { readPublicKey, SigningKey, withSeed } from './signing-key.js'

export { generateSigningKey, keyId, readPublicKey, SigningKey } from './signing-key.js'

const folderOf = (dir: string): string => join(dir, '.keys')
const privateFile = 'signing.key'
const publicFile = 'signing.pub'
const nextFile = 'next.key'
const isRetired = (name: string): boolean => /^retired-[0-9a-f]{16}\.pub$/.test(name)

const label = 'outrigger-ed25519-seed:'

/**
 * Makes the key pair of a record folder, or loads the one that is there: `.keys/` (0700) with `signing.key` (0600), `signing.pub` and
 * a `.gitignore` that keeps them out of a repository, whatever the umask. The folder appears whole or not at all, so of two processes at once one makes the keys and the other loads them.
 * @throws SigningError where they cannot be made, or what is there cannot be trusted
 */
export function createKeys(dir: string, engine: Engine = nodeEngine): SigningKey {
  keepForItself(folderOf(dir))
  explained(`the folder ${dir} cannot be made`, () => mkdirSync(dir, { recursive: true, mode: 0o755 }))
  checkFolder(dir, forbidden.writing, 'follow')
  if (!exists(folderOf(dir))) makeKeys(dir, engine)
  const key = loadPrivate(dir, privateFile, engine)
  mendPublic(dir, key)
  return key
}

/**
 * The key of a record folder.
 * @throws SigningError, with the fix, where it is not there or others could have read or changed it: loose modes, links, other owners
 */
export function loadSigningKey(dir: string, engine: Engine = nodeEngine): SigningKey {
  const key = loadPrivate(dir, privateFile, engine)
  const path = join(folderOf(dir), publicFile)
  if (loadPublicFile(path) !== key.publicKey) {
    throw new SigningError(`${path} is not the public half of ${privateFile}; write it again: actx init`)
  }
  return key
}

/**
 * The public key, base64, of a record folder or of a file that holds one. The key that signs need not be there.
 * @throws SigningError where there is none, or others could have changed it
 */
export function loadPublicKey(path: string): string {
  if (!isFolder(path)) return loadPublicFile(path, 'follow')
  checkFolders(path, forbidden.writing)
  return loadPublicFile(join(folderOf(path), publicFile))
}

/** The public keys of a record folder: the one in use, then those that were retired by rotation. @throws SigningError as `loadPublicKey` does */
export function loadPublicKeys(dir: string): string[] {
  const current = loadPublicKey(dir)
  const names = explained('the folder of keys cannot be read', () => readdirSync(folderOf(dir)))
  const retired = names.filter(isRetired).map(name => loadPublicFile(join(folderOf(dir), name)))
  return [...new Set([current, ...retired])]
}

/**
 * Puts a new key in the place of the old one. `endorse` gets both, to write the record that both sign; when it has resolved, and not before, the
 * old private key goes and its public half stays as `retired-<id>.pub`. After a failure or a crash the same two keys are offered again.
 * @returns the new key. @throws SigningError where the files cannot be changed or trusted, and what `endorse` throws
 */
export async function rotateKeys(
  dir: string,
  endorse: (old: SigningKey, next: SigningKey) => void | Promise<void>,
  engine: Engine = nodeEngine,
): Promise<SigningKey> {
  const old = createKeys(dir, engine)
  const next = nextKey(dir, engine)
  await endorse(old, next)
  explained('the keys cannot be exchanged', () => exchange(dir, old, next, engine))
  return next
}

function nextKey(dir: string, engine: Engine): SigningKey {
  const path = join(folderOf(dir), nextFile)
  if (!exists(path)) explained(`${path} cannot be written`, () => unlessThere(() => writePrivate(path, engine)))
  return loadPrivate(dir, nextFile, engine)
}

/** A crash before the first renaming leaves the old pair in use; one after it is mended by `createKeys`. */
function exchange(dir: string, old: SigningKey, next: SigningKey, engine: Engine): void {
  const folder = folderOf(dir)
  if (loadPrivate(dir, privateFile, engine).id !== old.id) throw new SigningError(`the keys in ${folder} were rotated by another process`)
  unlessThere(() => writeNewFile(join(folder, `retired-${old.id}.pub`), `${old.publicKey}\n`, 0o644))
  renameSync(join(folder, nextFile), join(folder, privateFile))
  mendPublic(dir, next)
}

/** In a folder of its own first, which then takes its name. */
function makeKeys(dir: string, engine: Engine): void {
  const making = join(dir, `.keys-${randomBytes(8).toString('hex')}`)
  try {
    explained(`the keys cannot be written in ${dir}`, () => fillFolder(making, engine))
    takeName(making, folderOf(dir))
    syncFolder(dir)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

function fillFolder(folder: string, engine: Engine): void {
  mkdirSync(folder, { mode: 0o700 })
  chmodSync(folder, 0o700)
  writeNewFile(join(folder, publicFile), `${writePrivate(join(folder, privateFile), engine).publicKey}\n`, 0o644)
  // A record may stand in a repository; its private key may not.
  writeNewFile(join(folder, '.gitignore'), '*\n', 0o644)
  syncFolder(folder)
}

/** A folder does not replace one that has something in it: then another process was first. */
function takeName(making: string, folder: string): void {
  try {
    renameSync(making, folder)
  } catch (error) {
    if (!exists(folder)) throw new SigningError(`the keys cannot be written to ${folder}`, {}, error)
  }
}

function writePrivate(path: string, engine: Engine): SigningKey {
  return withSeed(randomBytes(32), seed => {
    const key = new SigningKey(new PrivateKey(seed, engine))
    writeNewFile(path, `${label}${encodeBase64(seed)}\n`, 0o600)
    return key
  })
}

function mendPublic(dir: string, key: SigningKey): void {
  const path = join(folderOf(dir), publicFile)
  if (exists(path) && loadPublicFile(path) === key.publicKey) return
  const making = `${path}-${randomBytes(8).toString('hex')}`
  explained(`${path} cannot be written`, () => {
    writeNewFile(making, `${key.publicKey}\n`, 0o644)
    renameSync(making, path)
    syncFolder(folderOf(dir))
  })
}

function loadPrivate(dir: string, name: string, engine: Engine): SigningKey {
  checkFolders(dir, forbidden.everything)
  const path = join(folderOf(dir), name)
  const seed = parseSeed(readTrustedFile(path, forbidden.everything))
  if (!seed) throw new SigningError(`${path} does not hold a key of Outrigger; put the key back`)
  return withSeed(seed, bytes => new SigningKey(new PrivateKey(bytes, engine)))
}

function parseSeed(text: string): Uint8Array | undefined {
  return text.startsWith(label) && text.endsWith('\n') ? decodeBase64(text.slice(label.length, -1), 32) : undefined
}

function loadPublicFile(path: string, links: 'refuse' | 'follow' = 'refuse'): string {
  const text = readTrustedFile(path, forbidden.writing, links).replace(/\n$/, '')
  try {
    return encodeBase64(readPublicKey(text))
  } catch (error) {
    throw new SigningError(`${path} does not hold a public key: base64 of 32 bytes, in one line`, {}, error)
  }
}

function checkFolders(dir: string, mask: number): void {
  checkFolder(dir, forbidden.writing, 'follow')
  checkFolder(folderOf(dir), mask)
}

const exists = (path: string): boolean =>
  explained(`${path} cannot be read`, () => lstatSync(path, { throwIfNoEntry: false })) !== undefined
const isFolder = (path: string): boolean =>
  explained(`${path} cannot be read`, () => statSync(path, { throwIfNoEntry: false }))?.isDirectory() ?? false

function unlessThere(make: () => void): void {
  try {
    make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function explained<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof SigningError) throw error
    throw new SigningError(`${what} (${(error as NodeJS.ErrnoException).code}); give the user that runs this access to it`, {}, error)
  }
}
