import { digitsOf, mod11And10, mod97, weighted } from './check-digits.js'
import { type Detector, run } from './detector.js'

const letters = 'TRWAGMYFPDXBNJZSQVHLCKE'

/** A national number: what it looks like, and the rule that its check digits follow. */
interface Row {
  readonly name: string
  readonly shape: RegExp
  readonly within: RegExp
  readonly first: RegExp
  readonly holds: (candidate: string) => boolean
}

/** Only those that check digits and a form of their own tell from any other number. */
const rows: readonly Row[] = [
  {
    // Documento Nacional de Identidad, Número de Identidad de Extranjero: the letter is the number modulo 23.
    name: 'es-dni',
    shape: /(?<![\w-])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?![\w-])/g,
    within: /[\dA-Z-]/,
    first: /[\dXYZ]/,
    holds: text =>
      letters[
        Number(
          text
            .slice(0, -1)
            .replace(/[XYZ]/, to => String('XYZ'.indexOf(to)))
            .replace('-', ''),
        ) % 23
      ] === text.at(-1),
  },
  {
    // Numéro d'inscription au répertoire: 97 less the number modulo 97; Corsica's 2A and 2B count as 19 and 18.
    name: 'fr-nir',
    shape: /(?<![\w])[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-4]\d|[5-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?![\w])/g,
    within: /[\dAB ]/,
    first: /[12]/,
    holds: text => {
      const plain = text.replaceAll(' ', '').replace('2A', '19').replace('2B', '18')
      return Number(plain.slice(13)) === 97 - mod97(plain.slice(0, 13))
    },
  },
  {
    // Identifikationsnummer: one of the first ten digits stands there twice or three times, no other more than once.
    name: 'de-steuer-id',
    shape: /(?<![\w])[1-9]\d(?: ?\d{3}){3}(?![\w])/g,
    within: /[\d ]/,
    first: /[1-9]/,
    holds: text => {
      const digits = digitsOf(text)
      const often = [...Array(10).keys()].map(digit => digits.slice(0, 10).filter(other => other === digit).length).filter(n => n > 1)
      return often.length === 1 && often[0]! <= 3 && mod11And10(digits)
    },
  },
  {
    // PESEL: a date of birth whose month says the century, and a check digit.
    name: 'pl-pesel',
    shape: /(?<![\w])\d{2}(?:[02468][1-9]|[13579][0-2])(?:0[1-9]|[12]\d|3[01])\d{5}(?![\w])/g,
    within: /\d/,
    first: /\d/,
    holds: text => weighted(digitsOf(text), [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0,
  },
  {
    // Cadastro de Pessoas Físicas: two check digits; eleven times the same digit is none.
    name: 'br-cpf',
    shape: /(?<!\w|\d[.-])(?:\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11})(?![\w-]|\.\d)/g,
    within: /[\d.-]/,
    first: /\d/,
    holds: text => {
      const digits = digitsOf(text)
      const check = (n: number) =>
        ((weighted(
          digits,
          [...Array(n).keys()].map(at => n + 1 - at),
        ) *
          10) %
          11) %
        10
      return new Set(digits).size > 1 && check(9) === digits[9] && check(10) === digits[10]
    },
  },
  {
    // Rijksregisternummer: 97 less the number modulo 97; from the year 2000 on with a 2 before it.
    name: 'be-rrn',
    shape: /(?<!\w|\d[.-])\d{2}\.[0-5]\d\.\d{2}-\d{3}\.\d{2}(?![\w-]|\.\d)/g,
    within: /[\d.-]/,
    first: /\d/,
    holds: text => {
      const plain = text.replace(/\D/g, '')
      const check = Number(plain.slice(9))
      return ['', '2'].some(century => check === 97 - mod97(century + plain.slice(0, 9)))
    },
  },
]

/** Each by the country that gives it out and its name there. */
export const nationalIds: readonly Detector[] = rows.map(({ name, shape, within, first, holds }) => ({
  name,
  shapes: [shape],
  counted: candidate => (holds(candidate) ? candidate.length : 0),
  run: run(within, first),
}))
