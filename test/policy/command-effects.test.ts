import { commandEffects } from 'outrigger/policy'

describe('commandEffects', () => {
  it('tells programs with arguments, files, variables and hosts, in the order of the text', async () => {
    const effects = await commandEffects('A=1 timeout 5 bash -c \'curl -s https://Example.com/x > out\'; cat < in | tee "$f"; export B=2')
    expect(effects).toEqual({
      programs: [
        { name: 'timeout', args: ['5', 'bash', '-c', 'curl -s https://Example.com/x > out'] },
        { name: 'bash', args: ['-c', 'curl -s https://Example.com/x > out'] },
        { name: 'curl', args: ['-s', 'https://Example.com/x'] },
        { name: 'cat', args: [] },
        { name: 'tee', args: [undefined] },
        { name: 'export', args: [] },
      ].map(program => expect.objectContaining(program)),
      reads: ['in'],
      writes: ['out'],
      variables: ['A', 'B'],
      hosts: ['example.com'],
      unclear: [],
    })
  })

  it('says what runs code in files, and what is not known', async () => {
    const { programs } = await commandEffects('npm test; ./x; nosuch a')
    expect(programs.map(({ code, unknown }) => [code, unknown])).toEqual([
      ['usual', undefined],
      ['other', true],
      [undefined, true],
    ])
  })

  it.each(['$x', 'eval ls', 'echo "', 'python3 -c 1', "sh -c '[[ a ]]'", 'env '.repeat(50), 'a'.repeat(100_000), 'f() { ls; }'])(
    'says that a part is not analysed: %.40s',
    async command => {
      expect((await commandEffects(command)).unclear).not.toHaveLength(0)
    },
  )

  it('names no program for a text that runs none', async () => {
    expect(await commandEffects('# rm x')).toEqual({ programs: [], reads: [], writes: [], variables: [], hosts: [], unclear: [] })
  })
})
