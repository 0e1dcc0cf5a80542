import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './packed.js'

/** A registry on loopback. */
export interface Registry {
  readonly url: string
  close(): Promise<void>
}

/** Every place of our node_modules, by the name of the package: what is installed, in the locked versions. */
function installed(): ReadonlyMap<string, readonly string[]> {
  const { packages } = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { readonly link?: boolean }>>
  }
  const places = new Map<string, string[]>()
  for (const [place, { link }] of Object.entries(packages)) {
    const name = place.split('node_modules/').at(-1)!
    if (!link) places.set(name, [...(places.get(name) ?? []), place])
  }
  return places
}

/**
 * Serves what our node_modules hold as a registry does, so that npm really installs: without the network and without its cache, in the
 * versions of our lock.
 */
export async function loopbackRegistry(): Promise<Registry> {
  const packages = installed()
  const server = createServer((request, response) => {
    const [name, file] = decodeURIComponent(request.url!.slice(1)).split('/-/') as [string, string?]
    const places = packages.get(name)
    if (!places) response.writeHead(404).end('{}')
    else if (file === undefined) response.end(JSON.stringify(document(name, places, addressOf(request))))
    else sendTarball(places[Number.parseInt(file, 10)]!, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const addressOf = ({ headers }: IncomingMessage): string => `http://${headers.host}`

function document(name: string, places: readonly string[], url: string): object {
  const manifests = places.map(place => JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8')) as { readonly version: string })
  const versions = manifests.map((manifest, at) => [manifest.version, { ...manifest, dist: { tarball: `${url}/${name}/-/${at}.tgz` } }])
  return { name, 'dist-tags': { latest: manifests[0]!.version }, versions: Object.fromEntries(versions) }
}

function sendTarball(place: string, response: ServerResponse): void {
  const stage = mkdtempSync(join(tmpdir(), 'outrigger-registry-'))
  symlinkSync(join(root, place), join(stage, 'package'), 'junction')
  const tar = spawn('tar', ['-czhf', '-', '--exclude', 'package/node_modules', 'package'], {
    cwd: stage,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  tar.stdout.pipe(response)
  tar.once('close', () => rmSync(stage, { recursive: true, force: true }))
}
