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
})
