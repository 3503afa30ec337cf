/**
 * The parser's flat chain of conditions, with parentheses as counts, into a tree, by Salesforce's own grammar: AND and
 * OR need parentheses where they meet, and so does a NOT that is not alone.
 */
import type { Condition, ConditionWithValueQuery, WhereClause } from '@jetstreamapp/soql-parser-js'
import { CallError } from './errors.ts'

export type Comparison = Exclude<ConditionWithValueQuery, { openParen: number }>

export type Filter =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | { readonly kind: 'comparison'; readonly comparison: Comparison }

type Token = '(' | ')' | 'AND' | 'OR' | 'NOT' | Comparison

export function failQuery(message: string): CallError {
  return new CallError(400, 'MALFORMED_QUERY', message)
}

function isComparison(condition: Condition | ConditionWithValueQuery): condition is Comparison {
  return 'field' in condition || 'fn' in condition
}

function listTokens(clause: WhereClause): readonly Token[] {
  const tokens: Token[] = []
  let rest: WhereClause | undefined = clause
  while (rest !== undefined) {
    const { left } = rest
    for (let open = 0; open < (left?.openParen ?? 0); open += 1) tokens.push('(')
    if (left !== null && isComparison(left)) {
      tokens.push(left)
      for (let close = 0; close < (left.closeParen ?? 0); close += 1) tokens.push(')')
    }
    if (!('operator' in rest)) break
    tokens.push(rest.operator)
    rest = rest.right
  }
  return tokens
}

export function buildFilter(clause: WhereClause): Filter {
  const tokens = listTokens(clause)
  let place = 0

  function readOperand(): Filter {
    const token = tokens[place]
    place += 1
    if (token === '(') {
      const inner = readExpression()
      if (tokens[place] !== ')') throw failQuery(`unexpected token: '${describeToken(tokens[place])}'`)
      place += 1
      return inner
    }
    if (token === undefined || typeof token === 'string') {
      throw failQuery(`unexpected token: '${describeToken(token)}'`)
    }
    return { kind: 'comparison', comparison: token }
  }

  function readExpression(): Filter {
    if (tokens[place] === 'NOT') {
      place += 1
      return { kind: 'not', part: readOperand() }
    }
    const first = readOperand()
    const joint = tokens[place]
    if (joint !== 'AND' && joint !== 'OR') return first
    const parts = [first]
    while (tokens[place] === joint) {
      place += 1
      parts.push(readOperand())
    }
    return { kind: joint === 'AND' ? 'all' : 'any', parts }
  }

  const filter = readExpression()
  if (place < tokens.length) throw failQuery(`unexpected token: '${describeToken(tokens[place])}'`)
  return filter
}

function describeToken(token: Token | undefined): string {
  if (token === undefined) return '<EOF>'
  if (typeof token === 'string') return token
  return 'field' in token ? token.field : 'function'
}
