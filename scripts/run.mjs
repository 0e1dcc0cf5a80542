// The one door of `npm start`, `npm test`, `npm run bench` and `npm run prove`: sets up what the command needs on a fresh clone, then runs the command with its options.
import { build } from './build.mjs'
import { at, run, runTool, say } from './project.mjs'
import { prepare } from './setup.mjs'

function builds() {
  try {
    build()
    return 0
  } catch (error) {
    say(error.message)
    return 1
  }
}

/** Build, type check, lint, all tests: each runs even when the one before has failed, so that one run tells everything. */
function test(args) {
  const checks = {
    build: builds,
    'type check': () => runTool('typescript/bin/tsc', ['-p', 'tsconfig.test.json']),
    lint: () => runTool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings']),
    tests: () => runTool('jest/bin/jest.js', args, { stdout: 'inherit' }),
  }
  const red = Object.keys(checks).filter(name => checks[name]() !== 0)
  if (red.length > 0) say(`failed: ${red.join(', ')}`)
  return red.length === 0 ? 0 : 1
}

/** In this process, so that a signal reaches the command itself. */
async function start(args) {
  build()
  const { main } = await import('../dist/esm/lib/cli/main.js')
  const { processIo } = await import('../dist/esm/lib/cli/process-io.js')
  return main(['start', ...args], processIo())
}

function bench(args) {
  build()
  return run(process.execPath, ['--expose-gc', at('bench/run.mjs'), ...args], { stdout: 'inherit' })
}

async function prove(args) {
  const { prove: proveAll } = await import('./prove.mjs')
  return proveAll(args)
}

const commands = { start, test, bench, prove }
const [name, ...args] = process.argv.slice(2)

try {
  if (!Object.hasOwn(commands, name)) throw new Error(`unknown command "${name}"; one of ${Object.keys(commands).join(', ')}`)
  prepare()
  process.exitCode = await commands[name](args)
} catch (error) {
  say(error.message)
  process.exitCode = 1
}
