import { executionAsyncResource } from 'node:async_hooks'

describe('the environment of a test file', () => {
  // Says something when other files ran in this worker before it: this file is small, and jest begins with the large ones.
  it('carries the storage of its own runner, and none of the files before it', async () => {
    await Promise.resolve()
    const stores = Object.getOwnPropertySymbols(executionAsyncResource()).filter(({ description }) => description === 'kResourceStore')
    expect(stores.length).toBeLessThanOrEqual(1)
  })
})
