import { afterEach, describe, expect, it } from 'vitest';
import { MockDriver, type MockDriverOptions } from '../support/mock-driver.ts';
import { EchoService, echoModel, turns } from './echo.ts';

let driver: MockDriver;
const start = async (options: MockDriverOptions = {}) => {
  driver = await MockDriver.start(echoModel(), new EchoService(), options);
  return driver;
};
afterEach(() => driver?.stop());

describe('interrupts through MSI-X', () => {
  it('use the vector of the queue, and leave ISR and INTx alone', async () => {
    await start();
    await driver.queue(1).submit([Uint8Array.of(1)], [1]);
    expect(driver.interrupts.ofQueue(1)).toBe(1);
    expect(driver.interrupts.ofQueue(0)).toBe(0);
    expect(driver.interrupts.rises).toBe(0);
    expect(driver.registers.isr()).toBe(0);
  });

  it('use the vector of configuration changes, and set the ISR bit all the same (4.1.4.5.1)', async () => {
    await start();
    driver.function.transport.changeConfig(config => config.fill(7));
    await turns();
    expect(driver.configInterrupts).toBe(1);
    expect(driver.interrupts.rises).toBe(0);
    expect(driver.registers.isr()).toBe(2);
    expect(driver.registers.isr()).toBe(0);
  });

  it('send nothing while a vector is NO_VECTOR (4.1.5.1.2.1)', async () => {
    await start();
    driver.registers.set('config_msix_vector', 0xffff);
    driver.registers.set('queue_select', 0);
    driver.registers.set('queue_msix_vector', 0xffff);
    void driver.queue(0).submit([Uint8Array.of(1)], [1]);
    driver.function.transport.changeConfig(() => {});
    await turns();
    expect(driver.queue(0).usedIdx).toBe(1);
    expect(driver.interrupts.vectors).toEqual([]);
    expect(driver.interrupts.rises).toBe(0);
  });

  it('unmap all vectors on reset', async () => {
    await start();
    await driver.reset();
    expect(driver.registers.get('config_msix_vector')).toBe(0xffff);
    expect(driver.registers.get('queue_msix_vector')).toBe(0xffff);
  });
});

describe('interrupts through INTx', () => {
  it('set the queue bit and raise the line; reading ISR lowers it', async () => {
    await start({ interrupts: 'intx' });
    const reply = await driver.queue(0).submit([Uint8Array.of(1)], [1]);
    expect(reply.written).toBe(1);
    expect(driver.interrupts.rises).toBe(1);
    expect(driver.interrupts.intx).toBe(false);
    expect(driver.interrupts.vectors).toEqual([]);
  });

  it('stay up until the driver reads ISR, with all bits together', async () => {
    await start({ interrupts: 'intx' });
    const levels: boolean[] = [];
    driver.function.transport.interruptQueue(0);
    driver.function.transport.changeConfig(() => {});
    levels.push(driver.interrupts.intx);
    expect(driver.registers.isr()).toBe(3);
    levels.push(driver.interrupts.intx);
    expect(driver.registers.isr()).toBe(0);
    expect(levels).toEqual([true, false]);
  });

  it('go down with a reset', async () => {
    await start({ interrupts: 'intx' });
    await turns();
    driver.function.transport.interruptQueue(0);
    expect(driver.interrupts.intx).toBe(true);
    await driver.reset();
    expect(driver.interrupts.intx).toBe(false);
    expect(driver.registers.isr()).toBe(0);
  });

  it('tell of configuration changes only after DRIVER_OK (2.1.2)', async () => {
    driver = MockDriver.create(echoModel(), new EchoService(), { interrupts: 'intx' });
    driver.negotiate();
    driver.function.transport.changeConfig(() => {});
    expect(driver.interrupts.intx).toBe(false);
    driver.setUp();
    driver.function.transport.changeConfig(() => {});
    expect(driver.interrupts.intx).toBe(true);
  });
});
