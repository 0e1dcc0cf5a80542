import { CtxUnsupportedError } from '../../lib/core/errors.js'
import type { Operation } from '../../lib/ctx/targets/operation.js'
import { CTXParser } from '../../lib/ctx/language/parser.js'
import { operationOf } from '../../lib/ctx/targets/read-operation.js'

const read = (ctx: string): Operation => operationOf(new CTXParser().parse(ctx))

/** Without what is `undefined`. */
const plain = (operation: Operation): unknown => JSON.parse(JSON.stringify(operation))

describe('operationOf', () => {
  it.each<[string, object]>([
    [
      '+m:task "a b" #x #x *p &md "text"',
      { does: 'store', plane: 'm', verb: 'task', name: 'a b', text: 'text', tags: ['x', 'x'], project: 'p', format: 'md' },
    ],
    ['+k source="a" n=1', { does: 'store', plane: 'k', fields: { source: 'a', n: '1' }, tags: [] }],
    ['+m @relate "a->b c->d"', { does: 'relate', plane: 'm', from: 'a', relation: 'b c', to: 'd', tags: [] }],
    ['>t x.y a=1', { does: 'call', operator: '>', plane: 't', name: 'x.y', fields: { a: '1' }, tags: [] }],
    ['^a reviewer', { does: 'call', operator: '^', plane: 'a', name: 'reviewer', tags: [] }],
    ['?m', { does: 'search', plane: 'm', tags: [], since: [] }],
    ['?l:chat "" ^0', { does: 'search', plane: 'l', verb: 'chat', tags: [], since: [], limit: 0 }],
    [
      '?k auth @2h @2026-03-01 ^5',
      { does: 'search', plane: 'k', query: 'auth', tags: [], since: [{ ago: 7200 }, { at: 1772323200 }], limit: 5 },
    ],
    ['?k @similar "a  b a"', { does: 'search', plane: 'k', tags: [], since: [], ranking: { by: 'similar', words: ['a', 'b'] } }],
    ['?m @decay #x #threshold:0.7', { does: 'search', plane: 'm', tags: ['x'], since: [], ranking: { by: 'decay', threshold: 700_000 } }],
    ['?m @changes', { does: 'search', plane: 'm', tags: [], since: [], ranking: { by: 'changes' } }],
    ['?m @grounded x', { does: 'search', plane: 'm', query: 'x', tags: [], since: [], ranking: { by: 'grounded' } }],
    ['?m @traverse a', { does: 'traverse', plane: 'm', from: 'a', depth: 1 }],
    ['?m @traverse a ^depth=16 ^3', { does: 'traverse', plane: 'm', from: 'a', depth: 16, limit: 3 }],
    ['!m a &json', { does: 'lookup', plane: 'm', name: 'a', tags: [], since: [], format: 'json' }],
    ['~m a #x "new"', { does: 'update', plane: 'm', name: 'a', tags: ['x'], since: [], text: 'new' }],
    ['~m @promote a', { does: 'promote', plane: 'm', name: 'a', tags: [], since: [] }],
    ['-m @30d', { does: 'delete', plane: 'm', tags: [], since: [{ ago: 2_592_000 }] }],
    ['-m #x', { does: 'delete', plane: 'm', tags: ['x'], since: [] }],
    ['-m *p', { does: 'delete', plane: 'm', tags: [], since: [], project: 'p' }],
  ])('reads %s', (ctx, expected) => {
    expect(plain(read(ctx))).toEqual(expected)
  })

  it.each([
    ['1s', { ago: 1 }],
    ['1m', { ago: 60 }],
    ['1h', { ago: 3_600 }],
    ['1d', { ago: 86_400 }],
    ['1w', { ago: 604_800 }],
    ['1M', { ago: 2_592_000 }],
    ['1y', { ago: 31_536_000 }],
    ['0s', { ago: 0 }],
    ['99999999999999999999y', { ago: Number.MAX_SAFE_INTEGER }],
    ['1970-01-01', { at: 0 }],
    ['1970-01-01T00:01', { at: 60 }],
    ['1970-01-01T00:01Z', { at: 60 }],
    ['1970-01-01T00:00:59.999', { at: 59 }],
    ['1970-01-01T00:00:59.123456789Z', { at: 59 }],
    ['0001-01-01', { at: -62_135_596_800 }],
    ['9999-12-31T23:59:59Z', { at: 253_402_300_799 }],
  ])('reads the time %s', (time, expected) => {
    expect(read(`?m @${time}`)).toMatchObject({ since: [expected] })
  })

  it('asks for no more rows than anybody can count', () => {
    expect(read('?m ^999999999999999')).toMatchObject({ limit: 2 ** 31 - 1 })
  })

  it.each<[string, string, string]>([
    ['+m x ^3', '+m', 'limit'],
    ['+m x @7d', '+m', 'time'],
    ['+m x ^depth=3', '+m', 'depth'],
    ['+m @similar x', '+m', 'decorator'],
    ['+m @relate a->b', '+m', 'target'],
    ['+m @relate a->b->c->d', '+m', 'target'],
    ['+m @relate', '+m', 'target'],
    ['+m @relate a->b->c @7d', '+m', 'time'],
    ['+m @relate a->b->c ^1', '+m', 'limit'],
    ['+m @relate a->b->c ^depth=2', '+m', 'depth'],
    ['+m x *a *b', '+m', 'project'],
    ['+m x &a &b', '+m', 'format'],
    ['+m "a\\u{0}"', '+m', 'payload'],
    ['+m a #"\\u{0}"', '+m', 'payload'],
    ['+m a k="\\u{0}"', '+m', 'payload'],
    ['+m a "\\u{0}"', '+m', 'payload'],
    ['>t x ^1', '>t', 'limit'],
    ['>t x @7d', '>t', 'time'],
    ['^a x ^depth=2', '^a', 'depth'],
    ['>t @relate a->b->c', '>t', 'decorator'],
    ['?m x "text"', '?m', 'payload'],
    ['?m x ^depth=2', '?m', 'depth'],
    ['?m ^1 ^2', '?m', 'limit'],
    ['?m @traverse a ^depth=1 ^depth=2', '?m', 'depth'],
    ['?m @promote x', '?m', 'decorator'],
    ['?m @similar', '?m', 'target'],
    ['?m @similar " "', '?m', 'target'],
    ['?m @decay #threshold:x', '?m', 'tag'],
    ['?m @decay #threshold:1 #threshold:2', '?m', 'tag'],
    ['?m @traverse', '?m', 'target'],
    ['?m @traverse a #x', '?m', 'tag'],
    ['?m @traverse ""', '?m', 'target'],
    ['?m @traverse a "y"', '?m', 'payload'],
    ['?m @traverse a @7d', '?m', 'time'],
    ['?m @traverse a *p', '?m', 'project'],
    ['?m @traverse a ^depth=17', '?m', 'depth'],
    ['!m', '!m', 'target'],
    ['!m ""', '!m', 'target'],
    ['!m x "y"', '!m', 'payload'],
    ['!m x ^depth=2', '!m', 'depth'],
    ['!m @similar x', '!m', 'decorator'],
    ['~m x', '~m', 'payload'],
    ['~m "" ^3 "y"', '~m', 'limit'],
    ['~m x ^depth=2 "y"', '~m', 'depth'],
    ['~m x &json "y"', '~m', 'format'],
    ['~m @similar x "y"', '~m', 'decorator'],
    ['~m ="all"', '~m', 'target'],
    ['~m @promote', '~m', 'target'],
    ['~m @promote x "y"', '~m', 'payload'],
    ['~m @promote x ^1', '~m', 'limit'],
    ['~m @promote x ^depth=2', '~m', 'depth'],
    ['~m @promote x &json', '~m', 'format'],
    ['-m', '-m', 'target'],
    ['-m x "y"', '-m', 'payload'],
    ['-m x &json', '-m', 'format'],
    ['-m x ^1', '-m', 'limit'],
    ['-m x ^depth=2', '-m', 'depth'],
    ['-m @similar x', '-m', 'decorator'],
    [`?m ${'#a '.repeat(257)}`, '?m', 'tag'],
  ])('refuses %s, and says which part', (ctx, pair, part) => {
    const error = (() => {
      try {
        return read(ctx)
      } catch (reason) {
        return reason
      }
    })()
    expect(error).toBeInstanceOf(CtxUnsupportedError)
    expect(error).toMatchObject({ code: 'ERR_CTX_UNSUPPORTED', pair, part })
  })
})
