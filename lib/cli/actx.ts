#!/usr/bin/env node
import { ctxCommands } from './ctx/commands.js'
import { main } from './main.js'
import { processIo } from './process-io.js'

void main(process.argv.slice(2), processIo(), ctxCommands, 'actx').then(code => {
  process.exitCode = code
})
