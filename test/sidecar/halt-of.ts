import type { Halted } from '../../lib/core/halt.js'
import { KillSwitch } from '../../lib/sidecar/kill-switch.js'

/** What a kill switch that has just been made says of a file. */
export const haltOf = (file: string): Halted | undefined => new KillSwitch(file).now()
