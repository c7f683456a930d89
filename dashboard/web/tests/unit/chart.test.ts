import { describe, expect, test } from 'vitest';
import { foldKeys, layOut, leastHeight, stackOrder } from '../../src/ui/chart';
import type { Histogram } from '../../src/types';

const NONE = new Set<string>();
const histogram = (keys: string[], buckets: Histogram['buckets'], by: Histogram['by'] = 'rule'): Histogram => ({ interval_ms: 10, by, keys, buckets });

describe('columns of a histogram', () => {
  test('each stands at its time, with empty ones between', () => {
    const laid = layOut(histogram(['a', 'b'], [{ at: 20, counts: [1, 2] }, { at: 40, counts: [3, 0] }]), 0, 60, NONE);
    expect(laid.start).toBe(0);
    expect(laid.totals).toEqual([0, 0, 3, 0, 3, 0]);
  });
  test('hidden series do not count', () => {
    expect(layOut(histogram(['a', 'b'], [{ at: 0, counts: [1, 2] }]), 0, 10, new Set(['b'])).totals).toEqual([1]);
  });
  test('none at all is still a range', () => expect(layOut(histogram([], []), 5, 35, NONE).counts).toHaveLength(4));
  test('a wrong answer cannot make endless columns', () => {
    expect(layOut(histogram(['a'], [{ at: 0, counts: [1] }]), 0, 1e12, NONE).counts.length).toBeLessThanOrEqual(600);
  });
});

describe('series', () => {
  test('those beyond six become one, and no event is lost', () => {
    const keys = ['1', '2', '3', '4', '5', '6', '7', '8', 'other'];
    const folded = foldKeys(histogram(keys, [{ at: 0, counts: [9, 8, 7, 6, 5, 4, 3, 2, 1] }]));
    expect(folded.keys).toEqual(['1', '2', '3', '4', '5', '6', 'other']);
    expect(folded.buckets[0]?.counts).toEqual([9, 8, 7, 6, 5, 4, 6]);
  });
  test('few stay as they are', () => {
    const data = histogram(['1', '2'], [{ at: 0, counts: [1, 1] }]);
    expect(foldKeys(data)).toBe(data);
  });
  test('the worst priority is on top of the stack, the largest rule at the bottom', () => {
    expect(stackOrder(histogram(['Emergency', 'Alert', 'Critical'], [], 'priority'))).toEqual([2, 1, 0]);
    expect(stackOrder(histogram(['most', 'less'], []))).toEqual([0, 1]);
  });
  test('a grave event is never thinner than 3 px', () => expect([leastHeight('Critical'), leastHeight('Notice')]).toEqual([3, 1]));
});
