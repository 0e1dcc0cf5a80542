import { commands } from './commands/commands.js'
import { content } from './content/content.js'
import { files } from './files/files.js'
import { maxChildren } from './max-children.js'
import { maxTokens } from './max-tokens.js'
import { network } from './network/network.js'
import { offeredTools } from './tools/offered-tools.js'
import { rule } from './rule.js'
import { selfModification } from './self-modification/self-modification.js'
import { tools } from './tools/tools.js'

/** Makes rules. Each is checked at once, frozen, and can only tighten: none lets pass what another refuses. */
export const rules: Readonly<{
  commands: typeof commands
  files: typeof files
  network: typeof network
  tools: typeof tools
  content: typeof content
  maxTokens: typeof maxTokens
  maxChildren: typeof maxChildren
  selfModification: typeof selfModification
  offeredTools: typeof offeredTools
  rule: typeof rule
}> = Object.freeze({ commands, files, network, tools, content, maxTokens, maxChildren, selfModification, offeredTools, rule })
