/** `outrigger/ctx`: the CTX language, the signed record and its verification. */
export { type NotedViolation, type Recorder, recorder } from './recorder.js'
export { canonicalJson } from './canonical-json.js'
