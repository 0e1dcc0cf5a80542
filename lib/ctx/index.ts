/** `outrigger/ctx`: the CTX language, the signed record and its verification. */
export type { CTXDecorator, CTXFilter, CTXFilterType, CTXPayload, CTXStatement } from './language/ast.js'
export type { CTXDecoratorName, CTXOperator, CTXPlane, CTXVerb } from './language/grammar.js'
export { CTXParser, type CTXParserMode, type CTXParserOptions } from './language/parser.js'
export type { CTXMixedText } from './language/read-mixed.js'
export { type NotedViolation, type Recorder, recorder } from './record/recorder.js'
export { canonicalJson } from './canonical-json.js'
export { type Emitter, EmitterRegistry } from './targets/registry.js'
export { serialize } from './language/serializer.js'
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
} from './targets/operation.js'
export { operationOf } from './targets/read-operation.js'
export { type BatchTranslation, type Translation, Translator, Translator as Sidecar } from './targets/translator.js'
export {
  type ApprovalFacts,
  approvalOf,
  intentOf,
  type OutcomeFacts,
  outcomeOf,
  type RefusalFacts,
  refusalOf,
  type Statement,
  type StatementOptions,
} from './statement/statement.js'
export type { RecordedContent } from './statement/content.js'
export { type FileLogOptions, fileLog, type LogDisk } from './log/log-file.js'
export { memoryLog, type MemoryLogOptions } from './log/log-memory.js'
export { type AppendOptions, type LogHead, LogWriter, type LogWriterOptions, type WrittenRecord } from './log/log-writer.js'
export {
  type ShownRecord,
  type TranslationFiles,
  translationPaths,
  TranslationWriter,
  writeTranslation,
} from './record/projections.js'
export { digestOf, type SealedRecord } from './record/record.js'
export type { RecordBody, RecordDraft, RecordKind, RecordOutcome, RecordPhase, RecordPlace } from './record/record.js'
export type { LogHandle, RecordLog } from './log/record-log.js'
export type { RecordSigner } from './keys/record-signer.js'
export type { RevokedKey } from './keys/trusted-keys.js'
export { type Verification, verifyLogs, type VerifyOptions } from './verify/verify.js'
export type { LogReport, Problem, ProblemWord, UnsignedRecords, Verdict } from './verify/verify-log.js'
export { createKeys, loadPublicKey, loadPublicKeys, loadSigningKey, rotateKeys } from './keys/keys.js'
export { verifyStrict as verifySignature } from './keys/ed25519.js'
export { generateSigningKey, keyId, SigningKey } from './keys/signing-key.js'
export {
  type TranslationReport,
  type TranslationsVerification,
  verifyTranslations,
  type VerifyTranslationsOptions,
} from './verify/verify-translations.js'
export { type ProveRecordOptions, proveRecord, type RecordProof } from './verify/prove-record.js'
export { type ConsistencyProof, type ProveConsistencyOptions, proveConsistency } from './verify/prove-consistency.js'
export {
  type ConsistencyProofReport,
  type RecordProofReport,
  verifyConsistencyProof,
  type VerifyProofOptions,
  verifyRecordProof,
} from './verify/verify-proof.js'
export { type RewriteTranslationsOptions, rewriteTranslations, type RewrittenTranslations } from './record/rewrite-translations.js'
