/** `outrigger/ctx`: the CTX language, the signed record and its verification. */
export type { CTXDecorator, CTXFilter, CTXFilterType, CTXPayload, CTXStatement } from './ast.js'
export type { CTXDecoratorName, CTXOperator, CTXPlane, CTXVerb } from './grammar.js'
export { CTXParser, type CTXParserMode, type CTXParserOptions } from './parser.js'
export type { CTXMixedText } from './read-mixed.js'
export { type NotedViolation, type Recorder, recorder } from './recorder.js'
export { canonicalJson } from './canonical-json.js'
export { type Emitter, EmitterRegistry } from './registry.js'
export { serialize } from './serializer.js'
export type {
  CallOperation,
  DeleteOperation,
  LookupOperation,
  Narrowing,
  Operation,
  PromoteOperation,
  Ranking,
  RelateOperation,
  RowFacts,
  SearchOperation,
  Since,
  StoreOperation,
  TraverseOperation,
  UpdateOperation,
} from './operation.js'
export { operationOf } from './read-operation.js'
export { type BatchTranslation, type Translation, Translator, Translator as Sidecar } from './translator.js'
export { intentOf, type OutcomeFacts, outcomeOf, type RefusalFacts, refusalOf, type Statement, type StatementOptions } from './statement.js'
export type { RecordedContent } from './content.js'
export { type FileLogOptions, fileLog, type LogDisk } from './log-file.js'
export { memoryLog, type MemoryLogOptions } from './log-memory.js'
export { type AppendOptions, type LogHead, LogWriter, type LogWriterOptions, type WrittenRecord } from './log-writer.js'
export {
  type ShownRecord,
  type TranslationFiles,
  translationPaths,
  TranslationWriter,
  writeTranslation,
} from './projections.js'
export { digestOf, type SealedRecord } from './record.js'
export type { RecordBody, RecordDraft, RecordKind, RecordOutcome, RecordPhase, RecordPlace } from './record.js'
export type { LogHandle, RecordLog } from './record-log.js'
export type { RecordSigner } from './record-signer.js'
export type { RevokedKey } from './trusted-keys.js'
export { type Verification, verifyLogs, type VerifyOptions } from './verify.js'
export type { LogReport, Problem, ProblemWord, UnsignedRecords, Verdict } from './verify-log.js'
export { createKeys, loadPublicKey, loadPublicKeys, loadSigningKey, rotateKeys } from './keys.js'
export { generateSigningKey, keyId, SigningKey } from './signing-key.js'
export {
  type TranslationReport,
  type TranslationsVerification,
  verifyTranslations,
  type VerifyTranslationsOptions,
} from './verify-translations.js'
export { type ProveRecordOptions, proveRecord, type RecordProof } from './prove-record.js'
export { type ConsistencyProof, type ProveConsistencyOptions, proveConsistency } from './prove-consistency.js'
export {
  type ConsistencyProofReport,
  type RecordProofReport,
  verifyConsistencyProof,
  type VerifyProofOptions,
  verifyRecordProof,
} from './verify-proof.js'
export { type RewriteTranslationsOptions, rewriteTranslations, type RewrittenTranslations } from './rewrite-translations.js'
