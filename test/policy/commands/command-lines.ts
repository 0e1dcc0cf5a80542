// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text of commands
import { program } from './prove-attack.js'

/** A number from 0 up to, and without, 1. */
export type Random = () => number

/** A row of numbers that one seed makes. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** The program, as bash spells it in many ways, some of which are none. */
const spelled: readonly string[] = [
  program,
  program,
  `'${program}'`,
  `"${program}"`,
  'f\\orbidden-x',
  "for''bidden-x",
  'forbid"den"-x',
  "$'\\x66orbidden-x'",
  "$'\\146orbidden'-x",
  'forbidden\\\n-x',
  '${nothing}forbidden-x',
  'forbidden-x$nothing',
  '$(echo forbidden-x)',
  '`echo forbidden-x`',
  '{forbidden-x,}',
  'forbidden-{x,}',
  '$name',
  '"$name"',
  '${name}',
  '${name/y/x}',
  'forbidden-${letter:-x}',
  '~+/../bin/forbidden-x',
  '../bin/forbidden-?',
  '../bin/forbidden-x',
  'FORBIDDEN-X',
  'forbidden_x',
]

/** Commands that do nothing, some of which hold the word. */
const harmless: readonly string[] = [
  'ls',
  'ls -la',
  'echo forbidden-x',
  "echo 'a; forbidden-x'",
  'echo "forbidden-x"',
  'cat a.txt',
  'grep forbidden-x a.txt',
  'printf %s forbidden-x',
  'true',
  ':',
  'x=forbidden-x',
  'git status',
  'git commit -m "run forbidden-x"',
  'npm test',
  'wc -l a.txt',
  'test -f a.txt',
  'ls # forbidden-x',
  'ls \\; forbidden-x',
  'cat <<< forbidden-x',
  'echo a >f',
  "sed 's/a/b/' a.txt",
  "awk '{print $1}' a.txt",
  'find . -name a.txt',
  'sort a.txt',
]

const words: readonly string[] = [
  '',
  '',
  '',
  ' a',
  ' -n',
  ' "$x"',
  " 'a b'",
  ' *',
  ' 2>/dev/null',
  ' >f',
  ' # b',
  ' $(ls)',
  ' --',
  ' <a.txt',
]

/** @param depth - another one for each text within a text: what is written, or defined, within has another name, and cannot run itself */
type Frame = (random: Random, inner: string, depth: number) => string

/** What may stand around one command. */
const prefixes: readonly string[] = [
  'env ',
  'env A=1 ',
  'env -u B ',
  'env -i ',
  'env -- ',
  'nice ',
  'nice -n 5 ',
  'timeout 5 ',
  'timeout -s KILL 5 ',
  'nohup ',
  'command ',
  'command -p ',
  'command -v ',
  'builtin command ',
  'exec ',
  'eval ',
  'time ',
  'time -p ',
  '! ',
  'A=1 ',
  '>/dev/null ',
  'echo a | xargs ',
  'echo a | xargs -n 1 ',
  'echo a | xargs -I{} ',
  'xargs -0 <a.txt ',
  'name=forbidden-x; ',
  'name=forbidden-y; ',
  'IFS=-; ',
  'coproc ',
  'then ',
  'nosuch ',
]

/** Where bash calculates, and runs what stands in a subscript. */
const places: readonly string[] = [
  'RANDOM=$v',
  'OPTIND="$v"',
  'HISTCMD=$v ls',
  'read RANDOM <<< "$v"',
  'for SECONDS in "$v"; do :; done',
  'export OPTIND="$v"',
  'A=([v]=1)',
  'A=([$v]=1)',
  'A=(1 [v]+=1)',
  'A[v]=1',
  'ls {A[v]}>/dev/null',
  'A=(1); echo ${A[v]}',
  'echo ${PATH:v}',
  'echo ${PATH:0:$v}',
  'echo $((v))',
  'echo $[v]',
  '((v))',
  '[[ v -eq 1 ]]',
  '[[ -v $v ]]',
  'test -v "$v"',
  'test "$v" -eq 1',
  'printf -v "$v" x',
  'printf \'%d\' "$v"',
  'read "$v" <<< x',
  'echo ${v@P}',
  'echo ${!v}',
  'echo "$v"',
  'exit $v',
  'shift $v',
]

function calculated(random: Random, inner: string): string {
  const value = inner.includes("'") || inner.includes('\n') ? program : inner
  return `v='a[$(${value})]'; ${pick(random, places)}`
}

/** What may stand around any text. */
const frames: readonly Frame[] = [
  (_random, inner) => `${inner}; ls`,
  (_random, inner) => `ls; ${inner}`,
  (_random, inner) => `ls && ${inner}`,
  (_random, inner) => `false || ${inner}`,
  (_random, inner) => `false && ${inner}`,
  (_random, inner) => `ls | ${inner}`,
  (_random, inner) => `${inner} & wait`,
  (_random, inner) => `( ${inner}\n)`,
  (_random, inner) => `{ ${inner}\n}`,
  (_random, inner) => `if true; then ${inner}\nfi`,
  (_random, inner) => `if false; then ${inner}\nfi`,
  (_random, inner) => `for i in 1 2; do ${inner}\ndone`,
  (_random, inner) => `for name in forbidden-x; do ${inner}\ndone`,
  (_random, inner) => `case a in a) ${inner}\n;; esac`,
  (_random, inner) => `case a in b) ${inner}\n;; esac`,
  (_random, inner) => `echo $(${inner}\n)`,
  (_random, inner) => `echo "$(${inner}\n)"`,
  (_random, inner) => `echo '$(${inner})'`,
  (_random, inner) => `echo \`${inner}\``,
  (_random, inner) => `cat <(${inner}\n)`,
  (_random, inner) => `X=$(${inner}\n)`,
  (_random, inner) => `echo \${x:-$(${inner}\n)}`,
  (_random, inner) => `[[ -n $(${inner}\n) ]]`,
  (_random, inner) => `cat <<E\n$(${inner}\n)\nE`,
  (_random, inner) => `cat <<'E'\n$(${inner})\nE`,
  (_random, inner) => `cat <<E | bash\n${inner}\nE`,
  (_random, inner) => `bash -c ${quoted(inner)}`,
  (_random, inner) => `bash -euc ${quoted(inner)} a`,
  (_random, inner) => `sh -c ${quoted(inner)}`,
  (_random, inner) => `eval ${quoted(inner)}`,
  (_random, inner) => `trap ${quoted(inner)} EXIT`,
  (_random, inner, depth) => `f${depth}() { ${inner}\n}; f${depth}`,
  (_random, inner, depth) => `f${depth}() { ${inner}\n}`,
  (_random, inner) => `ls # ${inner}`,
  (_random, inner, depth) => `echo ${quoted(inner)} >run${depth}.sh; bash run${depth}.sh`,
  (_random, inner, depth) => `echo ${quoted(inner)} | tee run${depth}.sh; npm test; sh run${depth}.sh`,
  (_random, inner, depth) => `echo ${quoted(inner)} >run${depth}.sh`,
  (_random, inner) => `echo ${quoted(inner)} | bash`,
  (_random, inner) => `bash <<< ${quoted(inner)}`,
  (_random, inner) => `. <(echo ${quoted(inner)})`,
  (_random, inner) => `find a.txt -exec ${inner} \\;`,
  (_random, inner) => `awk 'BEGIN{system("${inner}")}'`,
  (_random, inner) => `sed '1e ${inner}' a.txt`,
  (_random, inner) => `sh -c "[[ a || ${inner} ]]"`,
  (_random, inner) => `echo "\\"; ${inner}; echo \\""`,
  (random, inner) => calculated(random, inner),
  (random, inner) => calculated(random, inner),
  (random, inner) => `${pick(random, harmless)} ${pick(random, [';', '&&', '||', '|', '&', '\n', '|&'])} ${inner}`,
  (random, inner) => `${inner} ${pick(random, [';', '&&', '||', '|', '&', '\n'])} ${pick(random, harmless)}`,
]

const tokens: readonly string[] =
  "' \" \\ $ ` ( ) { } ; & | && || ! # * ~ \\\n \n [ ] [[ ]] (( )) $( ${ $(( )) $' $\" <<E \nE\n <<'E' <<< <( >( 2>&1 >f <a.txt if then fi for in do done case esac ;; x=1 $x time ls echo forbidden-x forbidden -x ${name} @P , : = a env eval"
    .split(' ')
    .concat(' ', ' ', '\t')

function soup(random: Random): string {
  const gap = pick(random, ['', ' '])
  return Array.from({ length: 2 + Math.floor(random() * 8) }, () => pick(random, tokens)).join(gap)
}

function simple(random: Random): string {
  const kind = random()
  if (kind < 0.6) return pick(random, harmless) + pick(random, words)
  const prefix = random() < 0.5 ? pick(random, prefixes) : ''
  return prefix + (kind < 0.68 ? pick(random, harmless) : pick(random, spelled)) + pick(random, words)
}

/** One line, that bash brings to an end by itself: most run nothing, some run the program, some do not parse. */
export function commandLine(random: Random): string {
  let text = random() < 0.12 ? soup(random) : simple(random)
  for (let depth = Math.floor(random() * 4); depth > 0; depth--) text = pick(random, frames)(random, text, 4 - depth)
  return text
}
