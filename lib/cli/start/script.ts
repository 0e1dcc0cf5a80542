import type { Script } from './scripted-server.js'

/** What stands in each agent's system prompt, and finds its script. */
export const roles = { jake: 'You are Jake', counter: 'You are the counter', reader: 'You are the reader' } as const

/**
 * The scripted run: Jake delegates to two mortals at once. The counter asks for a forbidden command, meets an overload and ends well. The
 * reader spends what it was given, and its next call does not fit.
 */
export const script: Script = {
  [roles.jake]: [
    {
      tools: [
        { name: 'delegate', input: { name: 'counter', task: 'Which page is the longest, in words?' } },
        { name: 'delegate', input: { name: 'reader', task: 'Read every page and sum it up.' } },
      ],
      usage: { input_tokens: 512, output_tokens: 96 },
    },
    { text: 'README.md is the longest page; the reader ran out of budget.', usage: { input_tokens: 688, output_tokens: 24 } },
  ],
  [roles.counter]: [
    {
      tools: [
        { name: 'Bash', input: { command: 'rm -rf docs' } },
        { name: 'list_pages', input: {} },
      ],
      usage: { input_tokens: 612, output_tokens: 74 },
    },
    { status: 529, type: 'overloaded_error' },
    { tools: [{ name: 'count_words', input: { file: 'README.md' } }], usage: { input_tokens: 701, output_tokens: 52 } },
    { text: 'README.md is the longest page that I was asked to count.', usage: { input_tokens: 774, output_tokens: 31 } },
  ],
  [roles.reader]: [
    { tools: [{ name: 'count_words', input: { file: 'README.md' } }], usage: { input_tokens: 598, output_tokens: 3_900 } },
    { text: 'The pages describe a sidecar.', usage: { input_tokens: 4_700, output_tokens: 300 } },
  ],
}
