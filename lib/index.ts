/** The public surface of `outrigger`: the chain, the sidecar and its errors. Layers are in `outrigger/middleware`. */
export type { Tool } from './claude/handles.js'
export type { Listening, ListenOptions } from './claude/listen.js'
export type { ClaudeOptions } from './claude/options.js'
export { type Clock, systemClock } from './core/clock.js'
export { defineMiddleware } from './core/define.js'
export {
  definePreset,
  type Preset,
  type PresetAround,
  type PresetItem,
  type PresetOptions,
  type PresetStack,
} from './core/define-preset.js'
export * from './core/errors.js'
export { holdText, type HoldTextOptions } from './core/hold-text.js'
export { cost, slot, type Slot, type SlotHolder, type SlotScope } from './core/slot.js'
export type { Spans, SpanTotals } from './core/spans.js'
export type * from './core/types.js'
export type { Agent, Call, Io, NestedEvent } from './sidecar/agent-contract.js'
export { createSidecar } from './sidecar.js'
export { killSwitchFile } from './sidecar/kill-switch.js'
export type {
  Base,
  CallResult,
  ReportedViolation,
  SendOptions,
  Sidecar,
  SidecarOptions,
  SidecarStream,
  Snapshot,
  SpawnSpec,
} from './sidecar/types.js'
export type { Lookup } from './sidecar/lookup.js'
