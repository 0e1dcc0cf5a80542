/** What is done with a signal that comes to us while the command runs. */
export interface SignalWay {
  /** The command gets it from us. */
  readonly pass: boolean
  /** We are told to end, and the command with us. */
  readonly end: boolean
}

/** On a terminal, the command has the terminal's signals from the terminal itself: it is in the same process group. */
export type Place = 'terminal' | 'alone'

/** The signals that are heard, and what is done with them. What is not here does what it always does: SIGTSTP halts us all, SIGCONT lets us go on. */
export const signalWays: Readonly<Record<Place, Readonly<Partial<Record<NodeJS.Signals, SignalWay>>>>> = {
  terminal: {
    SIGINT: { pass: false, end: false },
    SIGQUIT: { pass: false, end: false },
    SIGHUP: { pass: false, end: true },
    SIGTERM: { pass: true, end: true },
    // Node would open its debugger at SIGUSR1, where the key could be read.
    SIGUSR1: { pass: true, end: false },
    SIGUSR2: { pass: true, end: false },
  },
  alone: {
    SIGINT: { pass: true, end: false },
    SIGQUIT: { pass: true, end: false },
    SIGHUP: { pass: true, end: true },
    SIGTERM: { pass: true, end: true },
    SIGUSR1: { pass: true, end: false },
    SIGUSR2: { pass: true, end: false },
  },
}

/** The signals that are heard in a place. */
export const heardIn = (place: Place): readonly NodeJS.Signals[] => Object.keys(signalWays[place]) as NodeJS.Signals[]
