import { describe, expect, it } from 'vitest'
import type { ModelRow } from './api'
import { behaviour, differences, doing, whom } from './models'

const row = (more: Partial<ModelRow> = {}): ModelRow => ({
  id: 'and', about: 'A&D cuffs.', match: { name: ['A&D_*'] }, behaviours: [{ do: 'pairing_mode', how: 'Hold START.' }, { do: 'keep_bond' }, { do: 'settle', ms: 1500 }],
  proof: 'reported', sources: ['a'], frames: [], ...more,
})

// REQ-CONSOLE-060
describe('a row of the table of models in words', () => {
  it('says for whom it counts', () => {
    expect(whom(row())).toBe('Devices called “A&D_*”')
    expect(whom(row({ match: { maker: ['OMRON*'], model: ['M500*', 'BP5150*'] } }))).toBe('Devices made by “OMRON*”, of the model “M500*” or “BP5150*”')
    expect(whom(row({ match: { service: ['1810', 'FE01'] } }))).toBe('Devices that offer blood pressure or FE01')
  })
  it('says what they do, with what belongs to it', () => {
    expect(behaviour({ do: 'pairing_mode', how: 'Hold START.' })).toContain('“Hold START.”')
    expect(behaviour({ do: 'settle', ms: 1500 })).toContain('1500 milliseconds')
    expect(behaviour({ do: 'own_layout', characteristic: '2a35' })).toMatch(/2a35.*no number/)
    expect(behaviour({ do: 'of_a_later_version' })).toContain('no words for: of a later version')
    expect(doing(row({ behaviours: [] }))).toHaveLength(1)
    expect(doing(row({ behaviours: [] })).join()).toContain('no longer')
  })
  it('says what another row says otherwise, part by part', () => {
    const found = (more: Partial<ModelRow>) => differences(row(), row(more))
    expect(found({ behaviours: [{ do: 'pairing_mode', how: 'Press twice.' }, { do: 'keep_bond' }, { do: 'consent' }] })).toEqual([
      'Now: The patient is told how to pair: “Press twice.” Before: The patient is told how to pair: “Hold START.”',
      'New: They keep their users apart by a code for each.',
      'No longer: They are given 1500 milliseconds after connecting.',
    ])
    expect(found({ match: { name: ['A&D_UA*'] } })).toEqual(['Counts for others now: Devices called “A&D_UA*”. Before: Devices called “A&D_*”.'])
    expect(found({ about: 'A&D cuffs and scales.' })).toEqual(['Described now as: A&D cuffs and scales.'])
    expect(found({ proof: 'hardware' })).toEqual(['How well it is proven: seen on the device; before: told by others.'])
    expect(found({ sources: ['a', 'b'] })).toHaveLength(1)
    expect(found({ frames: [{}] })).toHaveLength(1)
    expect(found({ behaviours: [] }).join()).toContain('no longer go by')
  })
  it('never says nothing of a row that is another', () => {
    expect(differences(row(), row({ behaviours: [...row().behaviours].reverse() }))).toEqual(['The same for these devices, written in another way.'])
  })
})
