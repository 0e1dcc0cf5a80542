// Answers calls over the channel to the parent, in the order they come: for engines that jest cannot load.

/** @param {Readonly<Record<string, (...args: any[]) => Promise<unknown>>>} methods */
export function serve(methods) {
  let last = Promise.resolve()
  process.on('message', ({ id, method, args }) => {
    last = last.then(async () => {
      try {
        process.send({ id, result: await methods[method](...args) })
      } catch (error) {
        process.send({ id, error: String(error?.message ?? error) })
      }
    })
  })
  process.send('ready')
}
