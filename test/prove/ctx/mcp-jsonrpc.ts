import { hostileProof } from '../../ctx/targets/hostile-proof.js'
import { McpServer } from '../../ctx/targets/mcp-server.js'
import { toolStory } from '../../ctx/targets/tool-stories.js'
import type { Proof } from '../proof.js'

export const proof: Proof = hostileProof('mcp-jsonrpc', async () => new McpServer(), toolStory)
