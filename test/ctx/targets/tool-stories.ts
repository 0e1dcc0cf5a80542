import type * as fc from 'fast-check'
import type { CTXStatement } from '../../../lib/ctx/language/ast.js'
import { hostileStory } from './stories.js'

const asToolCall = (statement: CTXStatement): CTXStatement => ({ ...statement, operator: '>', plane: 't' })

/** The hostile stories, and besides a tool is called by each name, with each payload. */
export const toolStory: fc.Arbitrary<readonly CTXStatement[]> = hostileStory.map(story => [...story, ...story.slice(0, 2).map(asToolCall)])
