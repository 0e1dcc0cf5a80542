import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ClaudeTool } from '../../claude/agent.js'

/** Two tools that look at the Markdown files of one folder and at nothing else. */
export function folderTools(folder: string): readonly ClaudeTool[] {
  return [listPages(folder), countWords(folder)]
}

function listPages(folder: string): ClaudeTool {
  return {
    name: 'list_pages',
    description: 'Lists the Markdown files of the folder.',
    input_schema: { type: 'object', properties: {} },
    idempotent: true,
    run: async () =>
      (await readdir(folder))
        .filter(name => name.endsWith('.md'))
        .sort()
        .join('\n'),
  }
}

function countWords(folder: string): ClaudeTool {
  return {
    name: 'count_words',
    description: 'Counts the words of one Markdown file of the folder.',
    input_schema: { type: 'object', properties: { file: { type: 'string' } }, required: ['file'] },
    idempotent: true,
    run: async ({ file }: { readonly file: string }) => {
      const text = await readFile(join(folder, basename(file)), 'utf8')
      return String(text.split(/\s+/).filter(Boolean).length)
    },
  }
}
