import type { Run } from './analyse.js'
import type { Argument } from './words.js'

/** What is known of a command before it runs. */
export interface Understood {
  /** Why it cannot be said what it runs. */
  readonly refused?: string
  /** The command that it runs in its turn. */
  readonly inner?: Run
  /** The text of a shell that it runs in its turn, and whether that shell is bash. */
  readonly text?: { readonly text: string; readonly isBash: boolean }
  /** It runs code that stands in files or packages: as most projects do, or any other. */
  readonly code?: 'usual' | 'other'
  /** Nobody has said what it is: it may run a program that its arguments name. */
  readonly unknown?: true
  /** It leaves no text in a file that could be run later. */
  readonly quiet?: true
}

/** It runs nothing else, and writes nothing. */
export const nothing: Understood = Object.freeze({ quiet: true })

export const refusal = (refused: string): Understood => ({ refused })

/** A word that no shell, and no language, reads as more than a word. */
export const isPlainWord = ({ text }: Argument): boolean => text !== undefined && /^[^$`;&|<>\n\\"'(){}]*$/.test(text)

/** A text that a tool may be handed: no shell makes a command of it. */
export const isPlainText = ({ text }: Argument): boolean => text !== undefined && /^[^$`;&|<>\n\\]*$/.test(text)
