// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text of commands
import fc from 'fast-check'
import { type CommandsRuleOptions, judge, openJudge, rules } from 'outrigger/policy'

const bash = (command: unknown, name = 'Bash') => ({ kind: 'tool', name, input: { command } }) as const

/** Why a command is refused; `undefined` where it is allowed. */
async function refusal(command: unknown, options: CommandsRuleOptions): Promise<string | undefined> {
  return (await judge([rules.commands(options)], bash(command))).details
}

const noRm: CommandsRuleOptions = { deny: ['rm'] }

describe('rules.commands', () => {
  describe('with deny alone', () => {
    const harmless = [
      'ls',
      'ls -la src',
      'git status',
      'git log --oneline -n 5',
      'git diff HEAD~1 -- src/index.ts',
      'git add -p && git commit -m "rm is only a word here"',
      'git checkout -b topic',
      'git push -u origin topic',
      'git grep -in pattern',
      'echo "rm -rf /"',
      "echo 'rm'",
      'grep -rn "rm " src | head -n 20',
      'cat package.json | jq .version',
      'find . -name "*.ts" -not -path "./node_modules/*"',
      'for f in a b c; do wc -l "$f"; done',
      'for f in src/*.ts; do echo $f; done',
      'while read -r line; do echo "$line"; done',
      'if [ -f package.json ]; then cat package.json; else echo none; fi',
      '[[ -f a && -d b ]] && ls',
      '[[ 1 -lt 2 ]] && ls',
      'ls 2>/dev/null',
      'ls >/dev/null 2>&1',
      'mkdir -p a/b && cd a/b',
      'cp a b; mv b c',
      'touch x # rm x',
      'cat <<EOF\nhello $USER\nEOF',
      "cat <<'EOF'\n$(rm x)\nEOF",
      'wc -l <<< "text"',
      'X=1; echo $X',
      'DEBUG=1 ls',
      'echo $((1 + 2 * 3))',
      'echo ${HOME:-none} ${name%.ts} ${x/a/b} ${y:0:3}',
      '(cd src; ls)',
      '{ ls; pwd; }',
      'ls & wait',
      'time ls',
      '! ls',
      "sed -n '1,20p' file",
      "sed 's/a/b/g' file",
      "sed -i 's|a/b|c|' file",
      'sort -u names.txt | uniq -c',
      'tar czf a.tgz src',
      'curl -s https://example.com',
      'case $1 in a) ls;; *) pwd;; esac',
      'diff <(sort a) <(sort b)',
      'echo rm{a,b}',
      'date +%s',
      'git commit -m "$(cat <<\'EOF\'\nSay why\nEOF\n)"',
      'git -C sub status',
      'git --no-pager diff --stat',
      'git add src/*.ts',
      'git clean -n',
      '[ -n "$x" ] && ls',
      'test "$a" = "$b"',
      'printf \'%s\\n\' "$x"',
      'sort ~/names.txt',
      'tar xzf "dir/$name.tgz"',
      'tar xf File.tgz',
      'test -f a || exit 1',
      '',
      '# only a comment',
      'ls > f',
      'wc < f',
      'echo $(< f)',
      'env A=1 ls',
      'nohup ls &',
      'command ls',
      'command -v ls',
      "sh -c 'ls'",
      'bash -c \'ls | wc -l; echo "done"\'',
      'ls | xargs -n 1 wc -l',
      'timeout 5 ls',
      'python3.11 x.py',
      'npm test 2>&1 | tee test.log',
      'export DEBUG=1; set -euo pipefail',
      "awk '{print $1}' f",
    ]

    it.each(harmless)('allows %j', async command => {
      expect(await refusal(command, noRm)).toBeUndefined()
    })

    const running: readonly string[] = [
      'rm',
      'rm -rf /',
      '  rm x',
      'ls; rm x',
      'ls && rm x',
      'ls || rm x',
      'ls | rm x',
      'ls & rm x',
      'ls\nrm x',
      '! rm x',
      'time rm x',
      '(rm x)',
      '{ rm x; }',
      '"rm" x',
      "'rm' x",
      'r\\m x',
      "r''m x",
      'r"m" x',
      "$'rm' x",
      "$'\\x72m' x",
      "$'\\162\\155' x",
      'r\\\nm x',
      '/bin/rm x',
      '../../bin/rm x',
      'RM x',
      'A=1 rm x',
      '2>/dev/null rm x',
      'echo $(rm x)',
      'echo `rm x`',
      'echo "$(rm x)"',
      'echo "a${b:-$(rm x)}"',
      'cat <(rm x)',
      'tee >(rm x)',
      'X=$(rm x)',
      'A=(a $(rm x))',
      'cat <<EOF\n$(rm x)\nEOF',
      'cat <<-EOF\n\t`rm x`\n\tEOF',
      'cat <<< "$(rm x)"',
      'if ls; then rm x; fi',
      'if rm x; then ls; fi',
      'if ls; then :; elif rm x; then :; fi',
      'if ls; then :; else rm x; fi',
      'for i in a; do rm $i; done',
      'for i in $(rm x); do ls; done',
      'while rm x; do ls; done',
      'until ls; do rm x; done',
      'case a in a) rm x;; esac',
      'case $(rm x) in a) ls;; esac',
      'select x in a; do rm x; done',
      '[[ -n $(rm x) ]]',
      'echo {a,$(rm x)}',
      'ls $(cat $(rm x))',
      'ls > /dev/null; rm x',
      'echo "\\"; rm x; echo \\""; rm y',
    ]

    it.each(running)('refuses %j', async command => {
      expect(await refusal(command, noRm)).toBeDefined()
    })

    const unclear: readonly (readonly [string, string])[] = [
      ['P02 a name from a variable', '$cmd x'],
      ['a name from a part', 'r$x x'],
      ['P03 a name from $@', 'r$@m x'],
      ['a name by a pattern', '/bin/r? x'],
      ['a name by a class', '/bin/[r]m x'],
      ['a name by braces', '{rm,x}'],
      ['a name by a substitution', '$(echo rm) x'],
      ['a name by a tilde', '~/rm x'],
      ['a translated name', '$"rm" x'],
      ['an empty name', '"" x'],
      ['a name in other letters', 'ｒｍ x'],
      ['a Cyrillic name', 'сat x'],
      ['P03 man', 'man --html=CMD x'],
      ['P03 sort', 'sort --compress-program=x f'],
      ['P03 sort, abbreviated', 'sort --comp=x f'],
      ['P03 history', 'history -s x'],
      ['P03 git', 'git ls-remote --upload-pa=x'],
      ['P03 sed e', "sed 's/x/y/e' f"],
      ['P05 sed w', "sed 's/x/y/w /etc/f' f"],
      ['sed behind a line', "sed '1e rm' f"],
      ['sed in two lines', "sed 's/a/b/\ne rm' f"],
      ['P03 xargs', 'xargs -t touch echo'],
      ['P03 rg', 'rg x$IFS--pre=sh'],
      ['rg', 'rg --pre sh x'],
      ['P03 @P', 'one="$"; echo ${one@P}'],
      ['indirect', 'echo ${!x}'],
      ['P05 find -exec', 'find . -exec ls {} ;'],
      ['find -execdir', 'find . -execdir ls {} +'],
      ['find -ok', 'find . -ok ls {} ;'],
      ['find -fprintf', 'find . -fprintf f x'],
      ['find with a variable', 'find . $how'],
      ['find with a pattern', 'find *'],
      ['P07 zsh =cmd', '=ls'],
      ['P07 zsh >!', 'ls >! f'],
      ['P07 zsh glob', "ls *(e:'rm x':)"],
      ['P09 caffeinate', 'caffeinate ls'],
      ['doas', 'doas ls'],
      ['chrt', 'chrt 1 ls'],
      ['ionice', 'ionice ls'],
      ['taskset', 'taskset 1 ls'],
      ['watch', 'watch ls'],
      ['parallel', 'parallel ls'],
      ['entr', 'entr ls'],
      ['systemd-run', 'systemd-run ls'],
      ['su', 'su -c ls'],
      ['runuser', 'runuser -u a ls'],
      ['chroot', 'chroot / ls'],
      ['nsenter', 'nsenter ls'],
      ['firejail', 'firejail ls'],
      ['sudo', 'sudo ls'],
      ['env with an option that is not known', "env -S 'ls'"],
      ['python with code and a version', 'python3.11 -c 1'],
      ['sh with a text that is not known', 'sh -c "$x"'],
      ['bash by its path', '/bin/bash -c ls'],
      ['python', 'python3 -c 1'],
      ['perl', "perl -e 'system q(ls)'"],
      ['awk', 'awk \'BEGIN{system("ls")}\''],
      ['busybox', 'busybox ls'],
      ['eval', 'eval ls'],
      ['source', 'source f'],
      ['dot', '. f'],
      ['exec', 'exec ls'],
      ['builtin', 'builtin echo'],
      ['trap', "trap 'ls' EXIT"],
      ['P40 alias', "alias ls='x'"],
      ['P40 a function', 'ls() { pwd; }; ls'],
      ['a function, the other way', 'function ls { pwd; }'],
      ['coproc', 'coproc ls'],
      ['P17 export', 'export PATH=.'],
      ['P17 typeset', 'typeset -i x'],
      ['P17 declare', 'declare x=1'],
      ['P17 set', 'set -x'],
      ['P17 unset', 'unset x'],
      ['P11 git push', "git push --receive-pack='x'"],
      ['P12 git -c', 'git -c core.pager=x log'],
      ['P12 git --exec-path', 'git --exec-path=. status'],
      ['P12 git ext::', "git clone 'ext::sh -c x'"],
      ['P12 git grep -O', 'git grep -Ox y'],
      ['P12 git submodule', 'git submodule foreach x'],
      ['P12 git rebase -x', 'git rebase -x ls HEAD~1'],
      ['P12 git bisect', 'git bisect run x'],
      ['P12 git difftool', 'git difftool -x ls'],
      ['git with a command of its own', 'git lg'],
      ['git config', 'git config core.pager x'],
      ['git with a variable', 'git $x'],
      ['P13 tar --to-command', 'tar xf a --to-command=x'],
      ['P13 tar -I', 'tar -Ix -xf a'],
      ['P13 tar, a file named like an option', 'tar cf a *'],
      ['P13 tar, a bundle', 'tar xIf sh a'],
      ['jobs -x', 'jobs -x ls'],
      ['ldd', 'ldd x'],
      ['P13 ssh', 'ssh host ls'],
      ['P13 scp', 'scp a b'],
      ['P13 curl -K', 'curl -K f'],
      ['P13 make', 'make -f x'],
      ['P13 npm', 'npm run x'],
      ['P13 npx', 'npx x'],
      ['P13 vim', 'vim -c x'],
      ['P13 docker', 'docker run x'],
      ['P14 LD_PRELOAD', 'LD_PRELOAD=x ls'],
      ['P14 PATH', 'PATH=.:$PATH ls'],
      ['P14 PATH alone', 'PATH=.'],
      ['P14 NODE_OPTIONS', 'NODE_OPTIONS=x ls'],
      ['P14 BASH_ENV', 'BASH_ENV=x ls'],
      ['P14 IFS', 'IFS=/; ls'],
      ['P14 GIT_SSH_COMMAND', 'GIT_SSH_COMMAND=x git fetch'],
      ['P14 PAGER', 'PAGER=x git log'],
      ['P14 PS4', 'PS4=x'],
      ['P14 in a loop', 'for PATH in .; do ls; done'],
      ['P14 by default', 'echo ${PATH:=.}'],
      ['P14 by a descriptor', 'ls {PATH}>/dev/null'],
      ['P14 by read', 'read PATH'],
      ['an element of PATH', 'PATH[0]=.'],
      ['a subscript', 'echo ${a[x]}'],
      ['arithmetic', 'x="a[\\$(ls)]"; echo $((x))'],
      ['arithmetic command', '((x))'],
      ['[[ -eq', '[[ $x -eq 1 ]]'],
      ['[[ -v', '[[ -v x ]]'],
      ['test -v', "test -v 'a[$(ls)]'"],
      ['printf -v', 'printf -v x y'],
      ['printf with a format that is not known', 'printf "$x" y'],
      ['a test of what is not known', '[ $x ]'],
      ['a test whose operator is not known', '[ "$x" "$y" ]'],
      ['git with a message that is more words', 'git commit -m "$@"'],
      ['git with a word that is not known', 'git log "$x"'],
      ['a pattern of bash with extglob', 'ls +(a|b)'],
      ['a path', './script'],
      ['an absolute path', '/usr/local/bin/tool'],
      ['a file appended to', 'ls >> ~/.bashrc'],
      ['a file by a variable', 'ls > $f'],
      ['the network', 'ls > /dev/tcp/host/80'],
      ['half a quote', 'echo "'],
      ['half a substitution', 'echo $(ls'],
      ['half an if', 'if ls'],
      ['P04', 'echo "\\"; ls; echo \\""; "'],
      ['P07 a NUL', 'ls \0'],
      ['a carriage return', 'ls\r\nrm x'],
      ['an escape', 'ls \u001b[0m'],
      ['no text', 5 as never],
    ]

    it.each(unclear)('refuses what cannot be analysed: %s', async (_name, command) => {
      expect(await refusal(command, noRm)).toBeDefined()
    })

    it('refuses an input without a command, and lets a restart pass', async () => {
      const judged = (input: unknown) => judge([rules.commands(noRm)], { kind: 'tool', name: 'Bash', input })
      expect(await judged({})).toMatchObject({ response: 'deny', details: 'there is no command to judge' })
      expect(await judged('rm')).toMatchObject({ response: 'deny' })
      expect(await judged(Object.create({ command: 'ls' }))).toMatchObject({ response: 'deny' })
      expect(await judged({ restart: true })).toMatchObject({ response: 'allow' })
    })
  })

  describe('options in other orders and spellings (P10)', () => {
    const recursive = [
      'rm -rf x',
      'rm -r -f x',
      'rm -fr x',
      'rm -f x -r',
      'rm --recursive --force x',
      'rm --rec --forc x',
      'rm -vRf x',
      'rm -- -rf',
    ]
    it.each(recursive)('refuses %j by deny rm -rf', async command => {
      expect(await refusal(command, { deny: ['rm -rf'] })).toBe('command "rm" is denied')
    })

    it.each(['rm x', 'rm -f x', 'rm -r x'])('allows %j by deny rm -rf', async command => {
      expect(await refusal(command, { deny: ['rm -rf'] })).toBeUndefined()
    })

    const pushes = ['git push', 'git push --force', 'git --no-pager push', 'git -C . push', 'git $x', 'git "pu"sh', 'git push origin main']
    it.each(pushes)('refuses %j by deny git push', async command => {
      expect(await refusal(command, { deny: ['git push'] })).toBeDefined()
    })

    it.each(['git pull', 'git status'])('allows %j by deny git push', async command => {
      expect(await refusal(command, { deny: ['git push'] })).toBeUndefined()
    })

    it.each(['git push -f', 'git push --forc origin', 'git push origin --force'])('refuses %j by deny git push --force', async command => {
      expect(await refusal(command, { deny: ['git push --force'] })).toBeDefined()
    })
  })

  describe('with allow', () => {
    const some: CommandsRuleOptions = { allow: ['ls', 'git status', 'npm test', '/opt/tool', 'env'] }

    it.each(['ls -la', 'git status --short', 'npm test', '/opt/tool x', 'ls; ls | ls', 'ls $(ls)', 'env ls'])(
      'allows %j',
      async command => {
        expect(await refusal(command, some)).toBeUndefined()
      },
    )

    const others = [
      'pwd',
      'ls; pwd',
      'ls $(pwd)',
      'git push',
      'git',
      'git --no-pager status',
      'npm run test',
      'npm',
      'LS',
      '/bin/ls',
      'tool',
      'sudo ls',
      'ls > f',
    ]
    it.each(others)('refuses %j', async command => {
      expect(await refusal(command, some)).toBeDefined()
    })

    it('a program that is allowed may not run others by its options (P05)', async () => {
      expect(await refusal('find . -exec ls ;', { allow: ['find', 'ls'] })).toBeDefined()
      expect(await refusal('git -c core.pager=x status', { allow: ['git'] })).toBeDefined()
      expect(await refusal('git config user.name x', { allow: ['git'] })).toBeDefined()
      expect(await refusal('git config user.name x', { allow: ['git config'] })).toBeUndefined()
      expect(await refusal('git fetch --upload-pack=x', { allow: ['git fetch'] })).toBeDefined()
    })

    it('deny wins over allow (P20)', async () => {
      expect(await refusal('ls', { allow: ['ls'], deny: ['ls'] })).toBe('command "ls" is denied')
      expect(await refusal('git push', { allow: ['git'], deny: ['git push'] })).toBe('command "git" is denied')
      expect(await refusal('env rm x', { allow: ['env'], deny: ['rm'] })).toBeDefined()
      expect(await refusal("sh -c 'ls;rm x'", { allow: ['sh'], deny: ['rm'] })).toBeDefined()
      expect(await refusal('sh -c "$x"', { allow: ['sh'], deny: ['rm'] })).toBeDefined()
      expect(await refusal('sh -c ls', { allow: ['sh'], deny: ['rm'] })).toBeUndefined()
    })

    it('redirections by choice, never to the network', async () => {
      expect(await refusal('ls > f', { allow: ['ls'], redirections: true })).toBeUndefined()
      expect(await refusal('ls > /dev/tcp/h/1', { allow: ['ls'], redirections: true })).toBeDefined()
      expect(await refusal('ls > //dev//./tcp/h/1', { allow: ['ls'], redirections: true })).toBeDefined()
      expect(await refusal('ls > $f', { allow: ['ls'], redirections: true })).toBeDefined()
    })

    it('an empty list allows nothing', async () => {
      expect(await refusal('ls', { allow: [] })).toBeDefined()
    })
  })

  describe('whatever the text (P23)', () => {
    const k = 65_536
    const bombs: readonly (readonly [string, string])[] = [
      ['a megabyte', 'a'.repeat(2 ** 20)],
      ['$( nested', '$('.repeat(100_000)],
      ['; without end', ';'.repeat(1_000_000)],
      ['$( within the cap', '$('.repeat(k / 2)],
      ['a few $(', '$(echo '.repeat(255)],
      ['closed $(', '$(echo '.repeat(250) + ')'.repeat(250)],
      ['( within the cap', '('.repeat(k)],
      ['backticks', '`'.repeat(k)],
      ['escaped backticks', '`echo \\`'.repeat(8000)],
      ['${', '${a:-'.repeat(255)],
      ['quotes and ${', '"${a:-'.repeat(255)],
      ['arithmetic', `echo $((${'('.repeat(20_000)}1${')'.repeat(20_000)}))`],
      ['$((', '$(('.repeat(127)],
      ['here-documents', '<<a '.repeat(k / 4)],
      ['few here-documents', '<<a '.repeat(255)],
      ['<(', '<('.repeat(255)],
      ['braces', '{a,'.repeat(k / 3)],
      ['lists', 'a;'.repeat(k / 2)],
      ['and', 'a && '.repeat(13_000)],
      ['case', 'case a in a) '.repeat(5000)],
      ['[[', '[[ ( '.repeat(13_000)],
      ['x=(', 'x=('.repeat(k / 3)],
      ['@(', '@('.repeat(k / 2)],
      ['sed', `sed '${'s/'.repeat(30_000)}'`],
      ['words', `ls ${'x '.repeat(32_000)}`],
      ['wrappers', 'env '.repeat(16_000)],
      ['wrappers with values', `xargs ${'-n 1 '.repeat(13_000)}ls`],
      ['texts of shells', `bash -c ${"'ls'".repeat(10_000)}`],
      ['shells within shells', 'bash -c "'.repeat(6_000)],
      ['sed, many commands', `sed '${'1d;'.repeat(480)}'`],
      ['sed, many addresses', `sed '${'/a/,'.repeat(480)}d'`],
      ['awk', `awk '${'||'.repeat(1_900)}'`],
      ['a path', `${'a/'.repeat(32_000)}x.sh`],
      ['a task', `npm run ${'a:'.repeat(32_000)}`],
      ['redirections', `ls ${'>a '.repeat(20_000)}`],
      ['slashes', `ls > ${'/./'.repeat(20_000)}`],
      ['a pipe', 'ls | '.repeat(13_000)],
      ['code in a pipe', 'npm test | '.repeat(1_500)],
      ['code in a list', `${'npm test;'.repeat(1_900)}npm test > a`],
    ]

    it.each(bombs)('%s is judged within 100 ms', async (_name, command) => {
      const judged = openJudge([rules.commands({ deny: ['rm'] })])
      await judged.judge({ stage: 'action', action: bash('ls') })
      const took: number[] = []
      // The least of some: what else the machine does can only add.
      for (let n = 0; n < 30 && Math.min(...took) >= 100; n++) {
        const from = performance.now()
        await judged.judge({ stage: 'action', action: bash(command) })
        took.push(performance.now() - from)
      }
      expect(Math.min(...took)).toBeLessThan(100)
    })
  })

  describe('a denied command', () => {
    const quoted = fc.constantFrom(
      'rm',
      "'rm'",
      '"rm"',
      'r\\m',
      "r''m",
      '"r"m',
      "$'rm'",
      "r'm'",
      '\\r\\m',
      'r\\\nm',
      "$'\\x72'm",
      '/bin/rm',
      "/bin/'rm'",
    )
    const space = fc.constantFrom(' ', '  ', '\t', ' \\\n ')
    const args = fc.array(fc.constantFrom('-r', '-f', 'x', '"a b"', '$y', '*.o', '--'), { maxLength: 4 })
    const wraps = fc.array(
      fc.constantFrom<(inner: string) => string>(
        inner => `( ${inner} )`,
        inner => `{ ${inner}; }`,
        inner => `ls; ${inner}`,
        inner => `ls && ${inner} || pwd`,
        inner => `ls | { ${inner}\n}`,
        inner => `! { ${inner}\n}`,
        inner => `echo $( ${inner} )`,
        inner => `echo "$( ${inner} )"`,
        inner => `if ls; then ${inner}\nfi`,
        inner => `for i in a b; do ${inner}\ndone`,
        inner => `while ls; do ${inner}\ndone`,
        inner => `case a in *) ${inner}\n;; esac`,
        inner => `cat <( ${inner} )`,
        inner => `A=1; ${inner}`,
        inner => `X=$( ${inner} )`,
      ),
      { maxLength: 4 },
    )

    it('stays denied in every spelling', async () => {
      const judged = openJudge([rules.commands(noRm)])
      await fc.assert(
        fc.asyncProperty(quoted, space, args, wraps, async (name, gap, rest, around) => {
          const command = around.reduce((inner, wrap) => wrap(inner), [name, ...rest].join(gap))
          expect((await judged.judge({ stage: 'action', action: bash(command) })).response).toBe('deny')
        }),
        { numRuns: 2000 },
      )
    })

    it('and the same around a harmless one is allowed', async () => {
      const judged = openJudge([rules.commands(noRm)])
      await fc.assert(
        fc.asyncProperty(space, args, wraps, async (gap, rest, around) => {
          const command = around.reduce((inner, wrap) => wrap(inner), ['ls', ...rest].join(gap))
          expect(await judged.judge({ stage: 'action', action: bash(command) })).toEqual({ response: 'allow', all: [] })
        }),
        { numRuns: 1000 },
      )
    })
  })

  describe('the tools', () => {
    it('match by their exact names', async () => {
      const rule = rules.commands({ deny: ['rm'], names: { shell: { sh: 'script' } } })
      expect(await judge([rule], { kind: 'tool', name: 'sh', input: { script: 'rm x' } })).toMatchObject({ response: 'deny' })
      expect(await judge([rule], bash('rm x'))).toMatchObject({ response: 'allow' })
      expect(await judge([rule], bash('rm x', 'SH'))).toMatchObject({ response: 'allow' })
    })
  })

  it('names no argument in what it finds', async () => {
    for (const command of ['rm my-secret', 'env my-secret', 'ls > my-secret', 'echo "my-secret', '$(my-secret)x'])
      expect((await refusal(command, noRm)) ?? '').not.toContain('my-secret')
  })

  it('answers at once when the parser is there', async () => {
    const judged = openJudge([rules.commands(noRm)])
    await judged.judge({ stage: 'action', action: bash('ls') })
    expect(judged.judge({ stage: 'action', action: bash('rm') })).toMatchObject({ response: 'deny', ruleId: 'commands' })
  })

  describe('options', () => {
    const bad: readonly (readonly [unknown, RegExp])[] = [
      [undefined, /options must be an object/],
      [{}, /give allow or deny/],
      [{ alow: ['ls'] }, /unknown option "alow"/],
      [{ allow: ['ls'], alow: [] }, /unknown option "alow"/],
      [{ allow: 'ls' }, /allow must be a list of strings, got "ls"/],
      [{ deny: [''] }, /deny must list non-empty strings/],
      [{ deny: ['rm; ls'] }, /plain words/],
      [{ deny: ["'rm'"] }, /plain words/],
      [{ deny: ['rm'], redirections: 'yes' }, /redirections must be true or false/],
      [{ deny: ['rm'], names: { shel: [] } }, /unknown option "shel"/],
      [{ deny: ['rm'], names: { shell: { Bash: 3 } } }, /shell.Bash must be the name of a field, got 3/],
      [{ deny: ['rm'], response: 'allow' }, /response must be one of warn, notifyParent, deny, pause, reap; got "allow"/],
      [{ deny: ['rm'], severity: 'high' }, /severity must be one of/],
      [{ deny: ['rm'], shadow: 1 }, /shadow must be true or false/],
      [{ deny: ['rm'], onResult: 'drop' }, /onResult must be one of/],
      [{ deny: ['rm'], id: ' ' }, /id must be a non-empty string/],
    ]

    it.each(bad)('%j is refused', (options, message) => {
      expect(() => rules.commands(options as CommandsRuleOptions)).toThrow(message)
    })

    it('are copied and frozen', async () => {
      const deny = ['rm']
      const rule = rules.commands({ deny })
      deny.pop()
      expect((await judge([rule], bash('rm'))).response).toBe('deny')
      expect(Object.isFrozen(rule) && Object.isFrozen(rule.facts)).toBe(true)
      expect(() => (rule.facts as { deny: string[] }).deny.push('x')).toThrow(TypeError)
    })
  })
})
