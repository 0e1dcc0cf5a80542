import { createLedger } from 'outrigger/ledger'
import * as books from '../../../lib/cli/stack/ledger-of.js'
import { stackOf } from '../../../lib/cli/stack/stack-of.js'
import { importing, treeWith } from './packages.js'

const ledger = createLedger()
jest.mock('../../../lib/cli/stack/ledger-of.js', () => ({ ledgerOf: jest.fn() }))

describe('the books that a stack opens', () => {
  let close: jest.SpyInstance
  const spec = { ledger: 'books.db', account: 'team' }
  const around = () => ({ cwd: treeWith({}), ...importing({}) })

  beforeEach(() => {
    close = jest.spyOn(ledger, 'close').mockClear()
    jest.mocked(books.ledgerOf).mockResolvedValue(ledger)
  })

  it('are closed with it, and not before', async () => {
    const stack = await stackOf(spec, around())
    expect(close).not.toHaveBeenCalled()
    await stack.close()
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('are closed where it cannot be made', async () => {
    const refused = stackOf({ ...spec, layers: { withRetry: { tries: 1 } } }, around())
    await expect(refused).rejects.toThrow('withRetry: unknown option "tries"')
    expect(close).toHaveBeenCalledTimes(1)
  })
})
