import { engineProof } from '../../ctx/targets/contract.js'
import { McpServer } from '../../ctx/targets/mcp-server.js'
import { toolStory } from '../../ctx/targets/tool-stories.js'
import type { Proof } from '../proof.js'

export const proof: Proof = engineProof({ target: 'mcp-jsonrpc', open: async () => new McpServer() }, toolStory)
