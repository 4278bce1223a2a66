/*===- elf.c - A file is verified as bytes before it is loaded ------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Loading a shared library runs its constructors. So everything is settled first:
 * that the file is whole and unchanged, that the compiler made it for this version
 * of the runtime, and that this CPU can run it. No number in the file is used
 * before it was compared with the size of the file.
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include "runtime/core/checksum.h"
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct file {
  const char *path;
  int descriptor;
  uint64_t bytes;
  mad_error *error;
} file;

/* Reads exactly `bytes` at `offset`. */
static mad_status readAt(const file *f, void *to, uint64_t bytes, uint64_t offset) {
  unsigned char *p = to;
  while (bytes > 0) {
    const ssize_t got = pread(f->descriptor, p, bytes, (off_t)offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return mad_error_read(f->error, f->path, got < 0 ? errno : 0);
    p += got, bytes -= (uint64_t)got, offset += (uint64_t)got;
  }
  return MAD_OK;
}

static int inside(const file *f, uint64_t offset, uint64_t bytes) {
  return bytes <= f->bytes && offset <= f->bytes - bytes;
}

static mad_status checkKind(const file *f, Elf64_Ehdr *head) {
  if (f->bytes < sizeof *head)
    return mad_error_short(f->error, f->path, f->bytes);
  const mad_status status = readAt(f, head, sizeof *head, 0);
  if (status != MAD_OK)
    return status;
  if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
    return mad_error_not_elf(f->error, f->path);
  if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_ident[EI_DATA] != ELFDATA2LSB)
    return mad_error_wrong_elf(f->error, f->path, "not of 64 bits, little-endian");
  if (head->e_type != ET_DYN)
    return mad_error_wrong_elf(f->error, f->path, "an object file or a program");
  if (head->e_machine != EM_X86_64)
    return mad_error_wrong_elf(f->error, f->path, "made for another processor");
  if (head->e_phentsize != sizeof(Elf64_Phdr) || head->e_shentsize != sizeof(Elf64_Shdr))
    return mad_error_wrong_elf(f->error, f->path, "a file with headers of unknown size");
  if (!inside(f, head->e_phoff, head->e_phnum * sizeof(Elf64_Phdr)))
    return mad_error_cut(f->error, f->path, "its program header",
                         head->e_phoff + head->e_phnum * sizeof(Elf64_Phdr), f->bytes);
  if (!inside(f, head->e_shoff, head->e_shnum * sizeof(Elf64_Shdr)))
    return mad_error_cut(f->error, f->path, "its section table",
                         head->e_shoff + head->e_shnum * sizeof(Elf64_Shdr), f->bytes);
  return head->e_shstrndx < head->e_shnum ? MAD_OK : mad_error_foreign(f->error, f->path);
}

/* Finds the section of the header by its name. */
static mad_status findHeader(const file *f, const Elf64_Ehdr *head, const Elf64_Shdr *sections,
                             Elf64_Shdr *found) {
  const Elf64_Shdr *names = &sections[head->e_shstrndx];
  const uint64_t length = sizeof MAD_HEADER_SECTION;
  for (unsigned i = 0; i < head->e_shnum; ++i) {
    const Elf64_Shdr *section = &sections[i];
    if (section->sh_type != SHT_NOBITS && !inside(f, section->sh_offset, section->sh_size))
      return mad_error_cut(f->error, f->path, "a section", section->sh_offset + section->sh_size,
                           f->bytes);
  }
  for (unsigned i = 0; i < head->e_shnum && names->sh_type == SHT_STRTAB; ++i) {
    char name[sizeof MAD_HEADER_SECTION];
    if (names->sh_size < length || sections[i].sh_name > names->sh_size - length)
      continue;
    const mad_status status = readAt(f, name, length, names->sh_offset + sections[i].sh_name);
    if (status != MAD_OK)
      return status;
    if (memcmp(name, MAD_HEADER_SECTION, length) != 0 || sections[i].sh_type != SHT_PROGBITS)
      continue;
    *found = sections[i];
    return MAD_OK;
  }
  return mad_error_foreign(f->error, f->path);
}

static mad_status readHeader(const file *f, mad_file_facts *facts, uint64_t *offset) {
  Elf64_Ehdr head;
  mad_status status = checkKind(f, &head);
  if (status != MAD_OK)
    return status;
  const size_t bytes = head.e_shnum * sizeof(Elf64_Shdr);
  Elf64_Shdr *sections = malloc(bytes);
  if (!sections)
    return mad_error_memory(f->error, "the section table of a file", bytes);
  Elf64_Shdr section;
  status = readAt(f, sections, bytes, head.e_shoff);
  if (status == MAD_OK)
    status = findHeader(f, &head, sections, &section);
  free(sections);
  if (status != MAD_OK)
    return status;
  if (section.sh_size != sizeof facts->header)
    return mad_error_header_size(f->error, f->path, section.sh_size);
  *offset = section.sh_offset;
  facts->header_address = section.sh_addr;
  return readAt(f, &facts->header, sizeof facts->header, section.sh_offset);
}

/* The checksum of the file, as if the checksum in its header were zero. */
static mad_status sumFile(const file *f, uint64_t at, uint64_t *value) {
  const uint64_t piece = 1 << 18, width = sizeof(uint64_t);
  unsigned char *buffer = malloc(piece);
  if (!buffer)
    return mad_error_memory(f->error, "a buffer", piece);
  mad_status status = MAD_OK;
  mad_checksum sum;
  mad_checksum_start(&sum);
  for (uint64_t from = 0; from < f->bytes && status == MAD_OK; from += piece) {
    const uint64_t bytes = f->bytes - from < piece ? f->bytes - from : piece;
    status = readAt(f, buffer, bytes, from);
    for (uint64_t i = at; i < at + width; ++i)
      if (i >= from && i < from + bytes)
        buffer[i - from] = 0;
    if (status == MAD_OK)
      mad_checksum_add(&sum, buffer, bytes);
  }
  free(buffer);
  *value = mad_checksum_value(&sum);
  return status;
}

static mad_status verify(const file *f, mad_file_facts *facts) {
  uint64_t offset = 0, sum = 0;
  mad_status status = readHeader(f, facts, &offset);
  if (status != MAD_OK)
    return status;
  mad_file_header *header = &facts->header;
  if (header->magic != MAD_ARTIFACT_MAGIC)
    return mad_error_foreign(f->error, f->path);
  header->compiler[sizeof header->compiler - 1] = 0;
  if (header->abi_version != MAD_ABI_VERSION)
    return mad_error_file_abi(f->error, f->path, header);
  if (header->size != sizeof *header)
    return mad_error_header_size(f->error, f->path, header->size);
  if (header->file_bytes != f->bytes)
    return mad_error_file_size(f->error, f->path, f->bytes, header->file_bytes);
  status = sumFile(f, offset + offsetof(mad_file_header, checksum), &sum);
  if (status != MAD_OK)
    return status;
  if (sum != header->checksum)
    return mad_error_checksum(f->error, f->path, sum, header->checksum);
  const int32_t cpu = mad_cpu_level();
  return header->level <= cpu ? MAD_OK
                              : mad_error_file_level(f->error, f->path, header->level, cpu);
}

mad_status mad_file_verify(const char *path, mad_file_facts *facts, mad_error *error) {
  /* Not to wait for the other end when the file is a pipe. */
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return mad_error_open(error, path, errno);
  struct stat info;
  mad_status status;
  if (fstat(descriptor, &info) != 0) {
    status = mad_error_read(error, path, errno);
  } else if (!S_ISREG(info.st_mode)) {
    status = mad_error_not_regular(error, path);
  } else {
    const file f = {path, descriptor, (uint64_t)info.st_size, error};
    status = verify(&f, facts);
  }
  close(descriptor);
  return status;
}
