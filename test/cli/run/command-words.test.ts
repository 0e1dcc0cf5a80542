import { UsageError } from '../../../lib/cli/command.js'
import { commandWords } from '../../../lib/cli/run/command-words.js'

describe('the words of a key command', () => {
  it.each([
    ['pass show anthropic', ['pass', 'show', 'anthropic']],
    ['  op  read "op://my vault/key/password"\t', ['op', 'read', 'op://my vault/key/password']],
    [`security find -s 'it is' -l a"b c"d ''`, ['security', 'find', '-s', 'it is', '-l', 'ab cd', '']],
    ['echo $HOME `id` \\n *', ['echo', '$HOME', '`id`', '\\n', '*']],
    [`echo '|' ";"`, ['echo', '|', ';']],
  ])('%s', (text, words) => {
    expect(commandWords(text, '--key-command')).toEqual(words)
  })

  it.each([
    ['', 'is empty'],
    ['   ', 'is empty'],
    [`''`, 'is empty'],
    [`pass "show`, 'a " is not closed'],
    ['cat key | head -1', '| means nothing'],
    ['cat < key', '< means nothing'],
    ['true && cat key', '&& means nothing'],
  ])('refuses %j: %s', (text, why) => {
    expect(() => commandWords(text, '--key-command')).toThrow(UsageError)
    expect(() => commandWords(text, '--key-command')).toThrow(why)
  })
})
