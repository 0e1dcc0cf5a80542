// Makes a fresh clone ready: installs and builds what is missing or stale, and says nothing when there is nothing to do.
import { build } from './build.mjs'
import { install } from './install.mjs'
import { restoreManifests } from './manifest.mjs'
import { isMain, root, say } from './project.mjs'

/** Installs, as far as it is needed. */
export function prepare() {
  restoreManifests()
  install(root)
}

/** Installs and builds, as far as it is needed. */
export function setup() {
  prepare()
  build()
}

if (isMain(import.meta.url)) {
  try {
    setup()
  } catch (error) {
    say(error.message)
    process.exitCode = 1
  }
}
