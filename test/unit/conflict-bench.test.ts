import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { bestThreshold, figuresAt } from '#test/bench/conflict-figures.ts'
import { readPairs, readQueries, readRegistry, UnfitFile } from '#test/bench/conflict-files.ts'
import { makeRegistrations } from '#test/bench/conflict-typing.ts'

const folder = mkdtempSync(join(tmpdir(), 'counterpart-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (text: string): string => {
  const path = join(folder, 'some.csv')
  writeFileSync(path, text)
  return path
}

test('pairs are read in any order of columns, with a mark of byte order, quotes and empty cells', async () => {
  const pairs = await readPairs(
    file(
      '\uFEFFmatch,Name2,name1,zip1,domain2\nTRUE,"Acme, ""Inc""",ACME,,acme.com\n0,Foo,Bar,123,\n\n,,,,\nyes,B,A,,\n',
    ),
  )
  expect(pairs.map(({ a, b, match }) => [a.name, b.name, match])).toEqual([
    ['ACME', 'Acme, "Inc"', true],
    ['Bar', 'Foo', false],
    ['A', 'B', true],
  ])
  expect(pairs[0]?.b.domain).toBe('acme.com')
  expect(pairs[1]?.a.postalCode).toBe('123')
})

test('a registry and its queries are read, where no expected company means that there is none', async () => {
  expect(await readRegistry(file('name,id,country\nAcme,7,DE\n'))).toMatchObject([
    { id: '7', company: { name: 'Acme', country: 'DE' } },
  ])
  const queries = await readQueries(file('expected_id,name\n7,ACME\n,Zorro\n'))
  expect(queries.map(({ expectedId }) => expectedId)).toEqual(['7', null])
})

test.each([
  ['', /is empty/],
  ['name1,name2\na,b\n', /no column match/],
  ['name1,name2,match\na,b,maybe\n', /line 2.*neither 1 nor 0/],
])('a file that cannot be used says why: %j', async (text, reason) => {
  await expect(readPairs(file(text))).rejects.toThrow(reason)
  await expect(readPairs(file(text))).rejects.toThrow(UnfitFile)
})

test('a file that is not there says so', async () => {
  await expect(readPairs(join(folder, 'none.csv'))).rejects.toThrow(/cannot be read/)
})

test('a wrong answer and one for an outsider count against precision, a missing one against recall', () => {
  const answers = [
    { score: 90, right: true, expected: true },
    { score: 80, right: false, expected: true },
    { score: 70, right: false, expected: false },
    { score: 0, right: false, expected: true },
    { score: 0, right: false, expected: false },
  ]
  const figures = figuresAt(answers, 50)
  expect(figures.precision).toBeCloseTo(1 / 3)
  expect(figures.recall).toBeCloseTo(1 / 3)
  expect(figures.recallAt95).toBeCloseTo(1 / 3)
  // Of the two outsiders one was told so, and of the two left without an answer one rightly.
  expect(figures.macroF1).toBeCloseTo((1 / 3 + 1 / 2) / 2)
  expect(bestThreshold(answers, 'f1')).toBe(90)
})

test('registrations are made alike from one seed, about a quarter of them of companies that are not known', () => {
  const companies = Array.from({ length: 400 }, (_, index) => ({
    id: String(index),
    company: { name: `Acme Number${index} Holdings Inc.`, domain: `acme${index}.com` },
  }))
  const make = () => makeRegistrations(companies, { seed: 3, known: 300, queries: 800 })
  const { registry, queries } = make()
  expect(make()).toEqual({ registry, queries })
  expect(registry).toHaveLength(300)
  const share = (kept: (query: (typeof queries)[number]) => boolean) =>
    queries.filter(kept).length / queries.length
  expect(share(({ expectedId }) => expectedId === null)).toBeCloseTo(0.25, 1)
  expect(share(({ company }) => company.domain === null)).toBeCloseTo(0.35, 1)
})
