/*
 * A launcher that does as little as a launcher can: loads a PVH guest, runs KVM_RUN in a loop, answers every read with ones (the
 * serial port's line status with "empty"), prints what is written to the serial port. No devices, no decoding, no threads: its times
 * are the floor under everybody else's.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY (64ul << 20)
#define START_INFO 0x6000
#define MEMORY_MAP 0x6100
#define COMMAND_LINE 0x7000

static char *ram;

static void die(const char *what) {
  fprintf(stderr, "kvm-loop: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int must(int result, const char *what) {
  if (result < 0) die(what);
  return result;
}

/* Loads the segments; returns the entry that the PVH note names. */
static uint32_t load(const char *path) {
  int fd = must(open(path, O_RDONLY), path);
  static char file[4 << 20];
  if (read(fd, file, sizeof(file)) < (ssize_t)sizeof(Elf64_Ehdr)) die(path);
  close(fd);
  Elf64_Ehdr *header = (Elf64_Ehdr *)file;
  Elf64_Phdr *segment = (Elf64_Phdr *)(file + header->e_phoff);
  uint32_t entry = 0;
  for (int i = 0; i < header->e_phnum; i++, segment++) {
    if (segment->p_type == PT_LOAD) memcpy(ram + segment->p_paddr, file + segment->p_offset, segment->p_filesz);
    if (segment->p_type == PT_NOTE) entry = *(uint32_t *)(file + segment->p_offset + 16);
  }
  return entry;
}

static void start_info(int argc, char **argv) {
  char *words = ram + COMMAND_LINE;
  for (int i = 0; i < argc; i++) words += sprintf(words, "%s%s", i ? " " : "", argv[i]);
  uint32_t *info = (uint32_t *)(ram + START_INFO);
  uint64_t *map = (uint64_t *)(ram + MEMORY_MAP);
  info[0] = 0x336ec578; /* hvm_start_info: magic, version 1 */
  info[1] = 1;
  info[6] = COMMAND_LINE;
  info[10] = MEMORY_MAP;
  info[12] = 1;
  map[0] = 0;
  map[1] = MEMORY;
  map[2] = 1;
}

static void registers(int cpu, uint32_t entry) {
  struct kvm_sregs s;
  must(ioctl(cpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
  struct kvm_segment code = {.limit = ~0u, .selector = 8, .type = 11, .present = 1, .s = 1, .db = 1, .g = 1}, data = code;
  data.selector = 16;
  data.type = 3;
  s.cs = code;
  s.ds = s.es = s.fs = s.gs = s.ss = data;
  s.cr0 = 0x11; /* protected mode */
  must(ioctl(cpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
  struct kvm_regs r = {.rip = entry, .rbx = START_INFO, .rflags = 2};
  must(ioctl(cpu, KVM_SET_REGS, &r), "KVM_SET_REGS");
}

/* Returns 0 when the guest asked for its end: it resets by the keyboard controller when it finds no ACPI. */
static int port(struct kvm_run *run) {
  uint8_t *data = (uint8_t *)run + run->io.data_offset;
  if (run->io.direction == KVM_EXIT_IO_IN) {
    memset(data, 0xff, run->io.size * run->io.count);
    if (run->io.port == 0x3fd) *data = 0x60;
    return 1;
  }
  if (run->io.port == 0x3f8) putchar(*data);
  return !(run->io.port == 0x64 && *data == 0xfe);
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: kvm-loop guest.elf [words...]\n"), 2;
  int kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
  int vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  must(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
  must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
  struct kvm_pit_config pit = {0};
  must(ioctl(vm, KVM_CREATE_PIT2, &pit), "KVM_CREATE_PIT2");
  ram = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (ram == MAP_FAILED) die("mmap");
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY, .userspace_addr = (uint64_t)ram};
  must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  uint32_t entry = load(argv[1]);
  start_info(argc - 2, argv + 2);

  int cpu = must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  size_t size = (size_t)must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
  if (run == MAP_FAILED) die("mmap");
  struct { struct kvm_cpuid2 header; struct kvm_cpuid_entry2 entries[256]; } *cpuid = calloc(1, sizeof(*cpuid));
  cpuid->header.nent = 256;
  must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
  for (uint32_t i = 0; i < cpuid->header.nent; i++)
    if (cpuid->entries[i].function == 1) cpuid->entries[i].ecx |= 1u << 31; /* there is a hypervisor: the guest looks for its clock */
  must(ioctl(cpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
  registers(cpu, entry);

  for (;;) {
    if (ioctl(cpu, KVM_RUN, 0) < 0 && errno != EINTR) die("KVM_RUN");
    if (run->exit_reason == KVM_EXIT_IO) {
      if (port(run)) continue;
      break;
    }
    if (run->exit_reason == KVM_EXIT_MMIO) {
      if (!run->mmio.is_write) memset(run->mmio.data, 0xff, 8);
      continue;
    }
    fprintf(stderr, "kvm-loop: exit reason %u\n", run->exit_reason);
    return 1;
  }
  return 0;
}
