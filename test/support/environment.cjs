// jest-circus makes an AsyncLocalStorage for every test file and leaves it enabled. On Node 20 every later promise of the worker then copies
// the store of each one that was left, so that a test that is run last takes many times as long as the same test run first.
const { AsyncLocalStorage } = require('node:async_hooks')
const { TestEnvironment } = require('jest-environment-node')

const entered = new Set()

for (const method of ['run', 'enterWith']) {
  const enter = AsyncLocalStorage.prototype[method]
  AsyncLocalStorage.prototype[method] = function (...args) {
    entered.add(this)
    return enter.apply(this, args)
  }
}

/** Node's environment; every storage that a test file has entered is disabled when the file has ended. */
module.exports = class extends TestEnvironment {
  async teardown() {
    for (const storage of entered) storage.disable()
    entered.clear()
    await super.teardown()
  }
}
