import type { Command } from '../../lib/cli/command.js'
import { parseOptions } from '../../lib/cli/parse-options.js'

const command: Command = {
  usage: '',
  options: { file: { type: 'string', short: 'f', about: '' }, all: { type: 'boolean', short: 'a', about: '' } },
  args: [0, 2],
  run: async () => 0,
}

describe('parseOptions', () => {
  it.each([
    [['-f', 'x', 'one', '--all', 'two'], { args: ['one', 'two'], options: { file: 'x', all: true }, rest: undefined }],
    [['--file=-x'], { args: [], options: { file: '-x' }, rest: undefined }],
    [['-f', '-'], { args: [], options: { file: '-' }, rest: undefined }],
    [['-af', 'x'], { args: [], options: { all: true, file: 'x' }, rest: undefined }],
    [['one', '--'], { args: ['one'], options: {}, rest: [] }],
    [['--', '--all', '--', 'b', 'c', 'd'], { args: [], options: {}, rest: ['--all', '--', 'b', 'c', 'd'] }],
  ])('%j', (argv, expected) => {
    expect(parseOptions(argv, command, 'outrigger probe')).toEqual(expected)
  })

  it('takes the last value of an option given twice', () => {
    expect(parseOptions(['--file', 'a', '--file', 'b'], command, 'outrigger probe').options).toEqual({ file: 'b' })
  })

  it.each(['--file=', '--file'])('refuses %s', option => {
    expect(() => parseOptions([option], command, 'outrigger probe')).toThrow('--file needs a value')
  })

  it('takes what is an argument for one, although it looks like an option', () => {
    const taking: Command = { ...command, isArgument: text => text.startsWith('-f ') }
    expect(parseOptions(['-f x', '-a', '-f -a y'], taking, 'probe')).toEqual({
      args: ['-f x', '-f -a y'],
      options: { all: true },
      rest: undefined,
    })
    expect(() => parseOptions(['--file', '-f x'], taking, 'probe')).toThrow('--file needs a value')
    expect(parseOptions(['-f x'], command, 'probe').options).toEqual({ file: ' x' })
  })
})
