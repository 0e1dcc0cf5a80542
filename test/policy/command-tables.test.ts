import { type CommandsRuleOptions, judge, rules } from 'outrigger/policy'
import { codeBuiltins } from '../../lib/policy/commands/shell/tables/builtins.js'
import { steersPrograms } from '../../lib/policy/commands/shell/tables/environment.js'
import { interpreters, pythonModules, usualPath } from '../../lib/policy/commands/shell/tables/interpreters.js'
import { perilousOptions, type PerilousRow } from '../../lib/policy/commands/shell/tables/perilous-options.js'
import { gitWritesItsOwn, plain, writeNothing } from '../../lib/policy/commands/shell/tables/plain.js'
import { runners, shortVersion, tellVersion } from '../../lib/policy/commands/shell/tables/runners.js'
import { isStartupFile } from '../../lib/policy/commands/shell/tables/startup-files.js'
import { tasks, usualTask } from '../../lib/policy/commands/shell/tables/tasks.js'
import { wrappers } from '../../lib/policy/commands/shell/tables/wrappers.js'
import { tool } from './support.js'

const denied = 'forbidden-x'
const byDeny: CommandsRuleOptions = { deny: [denied] }

/** Why a command is refused; `undefined` where it is allowed. */
const refusal = async (command: string, options: CommandsRuleOptions = byDeny): Promise<string | undefined> =>
  (await judge([rules.commands(options)], tool('Bash', { command }))).details

/** Those of some commands that a rule lets pass. */
async function admitted(commands: readonly string[], options?: CommandsRuleOptions): Promise<readonly string[]> {
  const details = await Promise.all(commands.map(command => refusal(command, options)))
  return commands.filter((_command, at) => details[at] === undefined)
}

/** The calls that a row of perilous options is about. */
function callsOf({ program, long, letters, words, bundle, like }: PerilousRow): readonly string[] {
  const options = [
    ...(long?.split(' ') ?? []).flatMap(option => [`--${option}`, `--${option}=x`, `--${option.slice(0, -1)}=x`, `"--${option}" x`]),
    ...[...(letters ?? '')].flatMap(letter => [`-${letter}`, `-${letter}x`, `-q${letter}`, `-'${letter}' x`]),
    ...(words?.split(' ') ?? []).flatMap(word => [`-${word}`, `'-${word}' x`, `-${word[0]}''${word.slice(1)} x`]),
    ...[...(bundle ?? '')].map(letter => `x${letter}f`),
    ...(like ? [like] : []),
  ]
  return options.map(option => `${program} ${option} y`)
}

describe('the tables of rules.commands', () => {
  describe('options that run programs', () => {
    it.each(perilousOptions.map(row => [row.program, row] as const))('%s: refused, whoever allows the program', async (program, row) => {
      expect(callsOf(row)).not.toHaveLength(0)
      expect(await admitted(callsOf(row))).toEqual([])
      expect(await admitted(callsOf(row), { allow: [program] })).toEqual([])
    })

    it.each(perilousOptions.map(({ program }) => [program]))('%s: allowed without', async program => {
      expect(await refusal(`${program} y`, { allow: [program] })).toBeUndefined()
    })
  })

  describe('wrappers', () => {
    const rows = wrappers.map(row => [row.like, row] as const)

    it.each(rows)('%s: its command is judged', async (like, { only }) => {
      expect(await refusal(`${like} ${only ? 'jest' : 'ls'}`)).toBeUndefined()
      const details = only ? /not analysed/ : /^command "[\w-]+" (?:is denied|could run one that is denied)$/
      expect(await refusal(`${like} ${denied} x`)).toMatch(details)
      expect(await refusal(`${like} '${denied}'`)).toMatch(details)
      if (!only) expect(await refusal(`${like} ${like} /bin/FORBIDDEN-X`)).toMatch(/is denied|one that is denied/)
    })

    it.each(rows)('%s: refused with what is not known', async like => {
      const [program] = like.split(' ')
      const odd = [
        `${like} "$x"`,
        `${like} $x ls`,
        `${like} -- $x`,
        `${like} --nosuch ls`,
        `${like} -Q ls`,
        `${program} --nosuch ls`,
        `${like} "" ls`,
      ]
      expect(await admitted(odd)).toEqual([])
    })

    it('an option of env may not steer programs', async () => {
      expect(
        await admitted(['env PATH=. ls', 'env -u PATH ls', 'env -uPATH ls', 'env --unset=IFS ls', 'env "$x=1" ls', 'env LD_PRELOAD=x ls']),
      ).toEqual([])
    })

    it('xargs hands on what is not known', async () => {
      const odd = [
        'ls | xargs git',
        'ls | xargs tar xf',
        'ls | xargs -I{} tar {} f',
        'ls | xargs -I{} -n1 cp {} d',
        'ls | xargs bash x.sh',
        'ls | xargs env',
        'ls | xargs xargs xargs',
      ]
      expect(await admitted(odd)).toEqual([])
      expect(await refusal('ls | xargs -I{} cp {} d')).toBeUndefined()
    })
  })

  describe('interpreters', () => {
    it.each(interpreters.map(row => [row.like, row.program] as const))('%s: a file, and no code in the text', async (like, program) => {
      expect(await refusal(like)).toBeUndefined()
      expect(await refusal(like, { deny: [denied], scripts: 'none' })).toBeDefined()
      const odd = [
        program,
        `echo x | ${program}`,
        `${program} -`,
        `${program} /dev/stdin`,
        `${program} /proc/self/fd/0`,
        `${program} <(ls)`,
        `${program} <<< x`,
      ]
      const code = [
        `${program} -e "$x"`,
        `${program} -c "$x"`,
        `${program} "$x"`,
        `${program} --nosuch`,
        `${program} ../x.y`,
        `${program} x`,
        `${like} ${denied}`,
        `${like} 'a;b'`,
      ]
      expect(await admitted([...odd, ...code])).toEqual([])
    })

    it.each([...pythonModules].map(module => [module]))('python -m %s', async module => {
      expect(await refusal(`python3 -m ${module} x`)).toBeUndefined()
    })

    it('a file of options is refused', async () => {
      expect(await admitted(['gcc @x', 'java @x', 'g++ a.cc @x'])).toEqual([])
    })

    it('other modules are refused', async () => {
      expect(await admitted(['timeit', 'runpy', 'pdb', 'code', 'trace', 'cProfile', 'x'].map(module => `python3 -m ${module} x`))).toEqual(
        [],
      )
    })

    it.each(['bash', 'sh', 'dash'])('%s -c: its text is judged', async shell => {
      expect(await refusal(`${shell} -c 'ls; ls | wc -l'`)).toBeUndefined()
      expect(await refusal(`${shell} -c 'ls; f"orbidden"-x'`)).toBe(`command "${denied}" is denied`)
      expect(
        await admitted([`${shell} -c "$x"`, `${shell} -c '$1' x ls`, `${shell} -c 'echo "'`, `${shell} -ic ls`, `${shell} -c -c ls`]),
      ).toEqual([])
    })

    it('a text for sh may not hold what bash alone reads so', async () => {
      const texts = ['[[ a ]]', '((1))', "echo $'a'", 'cat <(ls)', 'ls &> /dev/null', 'cat <<< x', 'ls |& wc', 'time ls']
      expect(await admitted(texts.map(text => `sh -c ${JSON.stringify(text).replaceAll('$', '\\$')}`))).toEqual([])
    })

    it.each(['./x.sh', 'scripts/x.sh', './gradlew', 'node_modules/.bin/jest', '.venv/bin/python x.py', 'bin/rails'])(
      '%s is usual',
      async path => {
        expect(usualPath.test(path.split(' ')[0]!)).toBe(true)
        expect(await refusal(path)).toBeUndefined()
        expect(await refusal(path, { deny: [denied], scripts: 'none' })).toBeDefined()
      },
    )

    it.each([
      './x',
      '/x.sh',
      '../x.sh',
      './a/../x.sh',
      '/usr/bin/ls',
      './x.sh "$y"',
      "./x.sh 'a;b'",
      `./x.sh ${denied}`,
      'node_modules/.bin/tsx -e 1',
    ])('%s is not', async path => {
      expect(await refusal(path)).toBeDefined()
    })

    it('any file may be run where scripts is any, and then none that is denied', async () => {
      const any: CommandsRuleOptions = { deny: [denied], scripts: 'any' }
      const files = ['./x', '/opt/x', 'bash x', 'python3 x', 'npm run x', 'make x']
      expect(await admitted(files, any)).toEqual(files)
      expect(await admitted([`./${denied}`, `bash ${denied}`, `make ${denied}`, "python3 -c ''", 'npx x', `./env ${denied}`], any)).toEqual(
        [],
      )
    })
  })

  describe('tasks', () => {
    it.each(tasks.map(row => [row.like, row] as const))('%s', async (like, { program, runs, anyOption }) => {
      if (runs === 'other') expect(await refusal(like)).toBeDefined()
      else expect(await refusal(like)).toBeUndefined()
      expect(await refusal(like, { deny: [denied], scripts: 'any' })).toBeUndefined()
      expect((await refusal(like, { deny: [denied], scripts: 'none' })) === undefined).toBe(runs === 'nothing')
      const options = anyOption ? [] : [`${like} --nosuch`, `${like} --nosuch=x`, `${like} "$x"`, `${program} --nosuch ${like}`]
      const odd = [...options, `${program} "$x"`, `${like} 'a;b'`, `${like} '$(b)'`]
      expect(await admitted(odd)).toEqual([])
      if (runs !== 'nothing') expect(await refusal(`${like} ${denied}`)).toBeDefined()
    })

    it.each(['test', 'build', 'build:docs', 'prelint', 'test.unit', 'type-check'])('%s is a usual task', name => {
      expect(usualTask.test(name)).toBe(true)
    })

    it.each(['x', 'pwn', 'testx', 'build;x', 'build x', '../test', 'CC=x'])('%s is none', async name => {
      expect(usualTask.test(name)).toBe(false)
      expect(await admitted([`npm run '${name}'`, `make '${name}'`, `npm run build && npm run '${name}'`, `make build '${name}'`])).toEqual(
        [],
      )
    })
  })

  describe('programs', () => {
    /** To these a word is a script that is read, or the name of a page or a package. */
    const readers = new Set(['awk', 'gawk', 'mawk', 'nawk', 'man', 'dpkg'])

    it.each([...runners].map(name => [name]))('%s runs others: refused with one that is denied', async name => {
      if (!readers.has(name)) expect(await refusal(`${name} ${denied}`)).toBeDefined()
      expect(
        await admitted([`${name} -c ${denied}`, `${name} -e ${denied}`, `/x/${name} -e ${denied}`, `${name.toUpperCase()} -e ${denied}`]),
      ).toEqual([])
    })

    it.each([...codeBuiltins].map(name => [name]))('%s turns text into code, or changes later words', async name => {
      expect(await admitted([`${name} ${denied}`, `${name} "$x"`, `${name} ${denied} x`, `${name} -x ${denied}`])).toEqual([])
    })

    it.each([...plain].map(name => [name]))(
      '%s is known: neither its input nor a word that is not known is held against it',
      async name => {
        expect((await refusal(`ls | ${name} a`)) ?? '').not.toContain('is not known')
        expect((await refusal(`${name} a ${denied}`)) ?? '').not.toContain('could run one that is denied')
      },
    )

    it('those that write nothing are among them, or words of the shell', () => {
      expect([...writeNothing].filter(name => !plain.has(name) && !codeBuiltins.has(name))).toEqual([])
    })

    it.each([...gitWritesItsOwn].map(name => [name]))('git %s may stand before a task', async name => {
      expect(await refusal(`git ${name} && npm test`)).toBeUndefined()
    })

    it.each([...tellVersion].map(name => [name]))('%s --version', async name => {
      expect(await refusal(`${name} --version`)).toBeUndefined()
    })

    it.each([...shortVersion])('%s %s', async (name, option) => {
      expect(await refusal(`${name} ${option}`)).toBeUndefined()
    })

    it('any other is not known: it may not be handed what could be code', async () => {
      expect(await admitted(['nosuch a', 'nosuch --b=c d/e.f', 'nosuch "a b"'])).toHaveLength(3)
      const odd = [
        `nosuch ${denied}`,
        `nosuch a/${denied}`,
        `nosuch -e${denied}`,
        `nosuch +${denied}`,
        `nosuch --x=${denied}`,
        'nosuch "$x"',
        'nosuch *',
        "nosuch 'a;b'",
        "nosuch 'f()'",
        'ls | nosuch',
        'nosuch < f',
        'nosuch <<< f',
        '{ ls; nosuch; } < f',
      ]
      expect(await admitted(odd)).toEqual([])
    })
  })

  describe('variables', () => {
    it.each(
      'PATH IFS ENV BASH_ENV SHELLOPTS PROMPT_COMMAND LD_PRELOAD LD_LIBRARY_PATH NODE_OPTIONS NODE_PATH PYTHONSTARTUP PYTHONPATH PERL5OPT RUBYOPT PAGER EDITOR VISUAL GIT_SSH_COMMAND PS4 HOME MAKEFLAGS RANDOM SRANDOM SECONDS OPTIND HISTCMD RUSTC RUSTC_WRAPPER CMAKE_C_COMPILER_LAUNCHER PYTEST_ADDOPTS GH_PAGER GOROOT AR SYSTEMD_EDITOR TS_NODE_COMPILER'
        .split(' ')
        .map(name => [name]),
    )('%s steers programs', async name => {
      expect(steersPrograms(name)).toBe(true)
      expect(
        await admitted([
          `${name}=x ls`,
          `${name}=x`,
          `export ${name}=x`,
          `export ${name}`,
          `env ${name}=x ls`,
          `read ${name}`,
          `for ${name} in x; do ls; done`,
        ]),
      ).toEqual([])
    })

    it.each(['make', 'npm test', 'bash x.sh', 'env B=1 make'])('%s gets none that could be code', async task => {
      expect(
        await admitted([`CFLAGS=-O2 ${task}`, `export A=b C=d; ${task}`, `env A=b ${task}`, `for i in 1 2; do ${task}; done`]),
      ).toHaveLength(4)
      const odd = ['A="; x"', "A='$(x)'", 'A=`ls`', 'A=$(ls)', `A=${denied}`, 'A="$b"', `A=(b ${denied})`]
      const forms = odd.flatMap(set => [`${set}; ${task}`, `${set} ${task}`, `export ${set}; ${task}`, `${task}; ${set}`])
      const others = [
        `env A=${denied} ${task}`,
        `env 'A=;x' ${task}`,
        `read A; ${task}`,
        `for A in "$b"; do ${task}; done`,
        `for A in ${denied}; do ${task}; done`,
        `: \${A:=b}; ${task}`,
      ]
      expect(await admitted([...forms, ...others])).toEqual([])
    })

    it.each(['FOO', 'NODE_ENV', 'DEBUG', 'CI'])('%s does not', async name => {
      expect(await admitted([`${name}=x ls`, `export ${name}=x`, `env ${name}=x ls`])).toHaveLength(3)
    })
  })

  describe('files that make programs run', () => {
    it.each([
      '.git/config',
      '.git/hooks/pre-commit',
      'x/.git//./config',
      '.GIT/config',
      'hooks/post-checkout',
      '.bashrc',
      '/home/a/.profile',
      '.npmrc',
      '.husky/pre-push',
      '.ssh/config',
      '.envrc',
    ])('%s is not written', async file => {
      expect(isStartupFile(file)).toBe(true)
      const writing = [
        `echo x > ${file}`,
        `echo x >> '${file}'`,
        `ls | tee ${file}`,
        `cp a ${file}`,
        `mv a ${file}`,
        `ln -s a ${file}`,
        `dd if=a of=${file}`,
        `curl -o ${file} https://example.com`,
      ]
      expect(await admitted(writing)).toEqual([])
    })

    it.each(['.gitignore', '.github/workflows/ci.yml', 'src/hooks/use-x.ts', 'bashrc', 'git/config', '.eslintrc'])('%s is', async file => {
      expect(isStartupFile(file)).toBe(false)
      expect(await admitted([`echo x > ${file}`, `cp a ${file}`])).toHaveLength(2)
    })

    it('a folder of them is not entered', async () => {
      expect(await admitted(['cd .git', 'cd a/.git/hooks && ls', 'pushd .husky'])).toEqual([])
    })
  })

  describe('code that the text itself may have written', () => {
    it.each([
      'npm ci && npm test',
      'git pull && npm ci && npm run build',
      'cd a && make',
      'rm -rf dist; npm run build',
      'npm test > out.log 2>&1',
      'npm test 2>&1 | tee out.log',
      'make | grep -i error',
    ])('%s has not', async command => {
      expect(await refusal(command)).toBeUndefined()
    })

    it.each([
      'echo x > y && npm test',
      'tee y < z; npm test',
      'cp a b && npm test',
      'npm test && cp a b',
      'npm test > a; bash b.sh',
      'for i in 1 2; do npm test > a; done',
      'npm test | { sleep 1; cat; } | tee a',
      'npm test | sed s/a/b/ | tee a',
      'npm test | tee a < b',
      'bash a.sh b | tee -a a.sh',
      'bash a.sh b >> ./a.sh',
      './a.sh b >> a.sh',
      'npm test | tee "$x"',
      'npm ci && npm test > a',
      'bash -c "echo x > y"; npm test',
      'nosuch && npm test',
      'curl -o a https://example.com && npm test',
      'sed -i s/a/b/ c && npm test',
      'sort -o a b && npm test',
      'uniq a b; npm test',
    ])('%s may have', async command => {
      expect(await refusal(command)).toMatch(/writes files, and runs code/)
    })
  })

  describe('with allow', () => {
    it('deny holds within what an allowed wrapper or shell runs', async () => {
      const both: CommandsRuleOptions = { allow: ['sh', 'bash', 'env', 'timeout', 'xargs'], deny: ['rm'] }
      const texts = [
        `sh -c 'r""m x'`,
        `bash -c "\\\\rm x"`,
        `bash -c '$x'`,
        'env -u A rm x',
        `timeout 5 sh -c "bash -c 'r\\\\m'"`,
        "sh -c '[[ a ]]'",
      ]
      expect(await admitted(texts, both)).toEqual([])
      expect(await admitted(["sh -c 'ls'", 'env ls', 'timeout 5 ls'], both)).toHaveLength(3)
    })

    it('scripts has no place beside it', () => {
      expect(() => rules.commands({ allow: ['ls'], scripts: 'any' })).toThrow(/scripts goes with deny alone/)
      expect(() => rules.commands({ deny: ['ls'], scripts: 'all' as never })).toThrow(/scripts must be one of none, usual, any/)
    })
  })
})
