/** `outrigger/testing`: doubles and contract suites for authors of layers and stores. Imports no test runner. */
export {
  type FailSpec,
  type FaultPoint,
  mockModel,
  MockModel,
  type MockModelOptions,
  type MockReply,
  type MockRequest,
  type Pending,
  type ReplySpec,
  type ToolUseSpec,
} from './mock-model.js'
export { type LayerCase, testMiddleware, type TestMiddlewareOptions } from './test-middleware.js'
export { type ContractCase, testStore, type TestStoreOptions } from './test-store.js'
export { VirtualClock } from './virtual-clock.js'
