import type { AgentSnapshot } from '../../server/types.js'
import type { TerminalSize } from '../terminal.js'
import { cutTo, harmless, padTo } from './cells.js'
import { cellText, gap, type Placed, placed } from './columns.js'
import { keyHelp, keyLine } from './keys.js'
import type { Look, Paint } from './paint.js'
import { type CompanionView, isSame, type Selection, type TopView } from './view.js'

const marker = '> '
const blank = ' '.repeat(gap)

/** What stands on the screen: one line a row, none wider than the screen, as many as it has or fewer. */
export function frame(view: TopView, size: TerminalSize, paint: Paint): readonly string[] {
  const { columns, rows } = size
  const head = [paint(cutTo(titleOf(view), columns), 'bold')]
  const foot = [cutTo(harmless(view.message ?? ''), columns), paint(cutTo(keyLine, columns), 'dim')]
  const room = Math.max(0, rows - head.length - foot.length)
  const body = view.help ? keyHelp.map(line => cutTo(line, columns)) : table(view, columns, paint, room)
  const lines = [...head, ...body.slice(0, room)]
  return [...lines, ...Array<string>(Math.max(0, rows - foot.length - lines.length)).fill(''), ...foot].slice(0, rows)
}

/** The table by itself, as long and as wide as it comes, for `--once`. */
export function plainTable(view: TopView, columns: number, paint: Paint): readonly string[] {
  return table({ ...view, selected: undefined }, columns, paint, Number.POSITIVE_INFINITY).map(line => line.trimEnd())
}

function titleOf({ companions }: TopView): string {
  const agents = companions.reduce((sum, { agents: { length } }) => sum + length, 0)
  return `outrigger top: ${counted(companions.length, 'companion')}, ${counted(agents, 'agent')}`
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

function table(view: TopView, columns: number, paint: Paint, room: number): readonly string[] {
  const cells = placed(Math.max(0, columns - marker.length))
  const titles = cells.map(({ title, at, align }) => padTo(title, at, align)).join(blank)
  const head = paint(cutTo(`${' '.repeat(marker.length)}${titles}`, columns), 'bold')
  return [head, ...inSight(bodyOf(view, { cells, columns, paint }), room - 1)]
}

/** What lines are drawn with. */
interface Sheet {
  readonly cells: readonly Placed[]
  readonly columns: number
  readonly paint: Paint
}

/** A line below the head: whether it is the one that the keys are for decides what is in sight. */
interface BodyLine {
  readonly text: string
  readonly selected: boolean
}

function bodyOf(view: TopView, sheet: Sheet): readonly BodyLine[] {
  if (view.companions.length === 0) return [{ text: cutTo(noCompanion, sheet.columns), selected: false }]
  return view.companions.flatMap(companion => [
    { text: companionLine(companion, view.now, sheet), selected: false },
    ...companion.agents.map(agent => agentLine(companion, agent, view.selected, sheet)),
  ])
}

const noCompanion = 'no companion runs here; outrigger run and outrigger serve start one'

function companionLine({ source, link, why, since }: CompanionView, now: number, { columns, paint }: Sheet): string {
  const { baseURL, pid, command } = source
  const where = [command ?? 'companion', pid === null ? undefined : `pid ${pid}`, baseURL].filter(part => part !== undefined)
  const seconds = Math.max(0, Math.floor((now - since) / 1_000))
  const state = link === 'lost' ? `lost for ${seconds} s, what is shown is old: ${why ?? 'no reason known'}` : link
  return paint(cutTo(harmless(`${where.join('  ')}  ${state}`), columns), link === 'lost' ? 'red' : 'dim')
}

function agentLine(
  { source: { baseURL }, link }: CompanionView,
  agent: AgentSnapshot,
  selected: Selection | undefined,
  { cells, columns, paint }: Sheet,
): BodyLine {
  const isSelected = isSame(selected, { baseURL, name: agent.name })
  const lookOf = (cell: Placed): Look | undefined => (isSelected ? undefined : link === 'lost' ? 'dim' : cell.colour?.(agent))
  const texts = cells.map(cell => paint(padTo(cellText(cell, agent), cell.at, cell.align), lookOf(cell)))
  const text = `${isSelected ? marker : ' '.repeat(marker.length)}${texts.join(blank)}`
  // The bar of the selected row has no colours in it, and no hole at the edge.
  return { text: isSelected ? paint(padTo(text, Math.max(columns, marker.length)), 'reversed') : text, selected: isSelected }
}

/** As many lines as there is room for, the selected one among them. */
function inSight(lines: readonly BodyLine[], room: number): readonly string[] {
  const at = lines.findIndex(({ selected }) => selected)
  const from = Math.max(0, Math.min(at - Math.floor(room / 2), lines.length - room))
  const seen = lines.length <= room ? lines : lines.slice(from, from + Math.max(0, room))
  return seen.map(({ text }) => text)
}
