import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Commands of a developer's day, one a line; they were written down before the analysis was tried on them. */
const day = readFileSync(join(__dirname, 'everyday.txt'), 'utf8')

/** Those that are refused all the same, and why. */
export const refusedEveryday: Readonly<Record<string, string>> = {
  'node -e "console.log(1)"': 'code in the text: no table can say what it runs',
  'cat urls.txt | xargs -n 1 -P 4 curl -sO': 'what is read could be an option, like -K with a file of options',
  'npx -y create-react-app my-app': 'a name that comes from a registry',
  'ssh staging uptime': 'what runs at another host is not analysed',
  'sudo apt-get update': 'another user may run what this one may not',
}

/** Every command; `$NL` in the file stands for a new line. */
export const everyday: readonly string[] = day
  .split('\n')
  .filter(line => line !== '')
  .map(line => line.replaceAll('$NL', '\n'))
