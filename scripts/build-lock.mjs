// One build at a time in a checkout: two test files that pack would else replace each other's dist while it is read.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { at } from './project.mjs'

const lock = at('node_modules/.cache/outrigger/build.lock')
const pauseMs = 50

/** Runs `work` while no other process builds here. A second one waits; the lock of one that was killed counts for nothing. */
export function alone(work) {
  mkdirSync(dirname(lock), { recursive: true })
  while (!taken()) if (!held()) rmSync(lock, { force: true })
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function taken() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  }
}

/** Waits a little, and says whether the one that has the lock is alive. */
function held() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
  try {
    const holder = Number(readFileSync(lock, 'utf8'))
    return holder === 0 || process.kill(holder, 0)
  } catch (error) {
    return error.code === 'EPERM' || error.code === 'ENOENT'
  }
}
