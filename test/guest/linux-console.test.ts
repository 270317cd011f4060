import { expect, it } from 'vitest';
import { kernel, rootDisk } from './support/linux.ts';
import { usePlace } from './support/place.ts';

const place = usePlace();

it('shows Linux the size of its terminal, follows it, passes ^C on and ends at the third', async () => {
  const disk = await rootDisk(place.scratch);
  const words = ['--cpus', '2', '--block', disk, '128', (await kernel('x86_64')).bzImage, 'quiet', 'root=/dev/vda'];
  const guest = place.start(words, { pty: { columns: 132, rows: 43 } });
  await guest.ready();
  expect(await guest.ask('stty size </dev/hvc0')).toBe('43 132');

  const sized = 'until [ "$(stty size </dev/hvc0)" = "30 100" ]; do usleep 20000; done';
  guest.resize(100, 30);
  await guest.ask(sized);

  // The third within a second would end the guest.
  guest.type('stty -isig -icanon; echo now; head -c 2 </dev/hvc0 | od -An -tx1; stty isig icanon\n');
  await guest.hear(/^now\n/m);
  guest.type('\x03');
  await new Promise(resolve => setTimeout(resolve, 1500));
  guest.type('\x03');
  expect((await guest.hear(/guest: status 0\n/))[0]).toMatch(/^ *03 03\n/);

  await new Promise(resolve => setTimeout(resolve, 1500));
  const end = await guest.end('\x03\x03\x03');
  expect(end).toMatchObject({ code: 130, signal: null, errors: '' });
});
