import { describe, expect, it } from 'vitest';
import { RegisterFile } from '../../src/state/register-file.ts';
import { TransportState } from '../../src/virtio/state.ts';
import { CURSOR } from '../../src/virtio/used-ring.ts';
import { echoModel } from './echo.ts';

const build = (buffer = new SharedArrayBuffer(4096)) => ({
  buffer,
  state: new TransportState(new RegisterFile(buffer), echoModel()),
});

describe('the state of a virtio function', () => {
  it('is the same for every thread that builds it over the same bytes', () => {
    const { buffer, state } = build();
    state.powerOn();
    state.device.status = 0xb;
    state.queues[1]!.desc = 0x1_2345_6780n;
    state.cursor(1)[CURSOR.nextAvail] = 0xfffe;
    state.config[3] = 0x99;
    const other = build(buffer).state;
    expect(other.device.status).toBe(0xb);
    expect(other.layout(1)).toEqual({ size: 8, desc: 0x1_2345_6780, avail: 0, used: 0 });
    expect(other.cursor(1)[CURSOR.nextAvail]).toBe(0xfffe);
    expect(other.config[3]).toBe(0x99);
  });

  it('keeps queues apart, cursors included', () => {
    const { state } = build();
    state.powerOn();
    for (const index of [0, 1]) state.cursor(index).fill(7 + index);
    state.resetQueue(0);
    expect([...state.cursor(0)]).toEqual([0, 0, 0]);
    expect([...state.cursor(1)]).toEqual([8, 8, 8]);
    expect(state.queues.map(q => [q.size, q.vector, q.notifyOff])).toEqual([
      [16, 0xffff, 0],
      [8, 0xffff, 1],
    ]);
  });

  it('forgets everything at power-on, and at a reset all but the generation and what the device changed', () => {
    const { state } = build();
    state.powerOn();
    Object.assign(state.device, { status: 0xf, isr: 3, resetPending: 1, driverFeatures: 5n, configGeneration: 9 });
    state.config.set([0xaa, 0xbb, 0xcc]);
    state.reset();
    expect(state.device).toMatchObject({ status: 0, isr: 0, resetPending: 0, driverFeatures: 0n, configGeneration: 9 });
    expect([...state.config.subarray(0, 4)]).toEqual([0xaa, 0xbb, 3, 4]);
    expect(state.device.configWritten).toBe(1);
    state.powerOn();
    expect(state.device).toMatchObject({ configGeneration: 0, configWritten: 0, numQueues: 2 });
    expect([...state.config]).toEqual([...echoModel().config]);
  });
});
