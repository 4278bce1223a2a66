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
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include "runtime/core/file.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

static mad_status checkKind(const mad_file *f, Elf64_Ehdr *head) {
  if (f->bytes < sizeof *head)
    return mad_error_short(f->error, f->path, f->bytes);
  const mad_status status = mad_file_read(f, head, sizeof *head, 0);
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
  if (!mad_file_has(f, head->e_phoff, head->e_phnum * sizeof(Elf64_Phdr)))
    return mad_error_cut(f->error, f->path, "its program header",
                         head->e_phoff + head->e_phnum * sizeof(Elf64_Phdr), f->bytes);
  if (!mad_file_has(f, head->e_shoff, head->e_shnum * sizeof(Elf64_Shdr)))
    return mad_error_cut(f->error, f->path, "its section table",
                         head->e_shoff + head->e_shnum * sizeof(Elf64_Shdr), f->bytes);
  return head->e_shstrndx < head->e_shnum ? MAD_OK : mad_error_foreign(f->error, f->path);
}

/* Finds the section of the header by its name. */
static mad_status findHeader(const mad_file *f, const Elf64_Ehdr *head, const Elf64_Shdr *sections,
                             Elf64_Shdr *found) {
  const Elf64_Shdr *names = &sections[head->e_shstrndx];
  const uint64_t length = sizeof MAD_HEADER_SECTION;
  for (unsigned i = 0; i < head->e_shnum; ++i) {
    const Elf64_Shdr *section = &sections[i];
    if (section->sh_type != SHT_NOBITS && !mad_file_has(f, section->sh_offset, section->sh_size))
      return mad_error_cut(f->error, f->path, "a section", section->sh_offset + section->sh_size,
                           f->bytes);
  }
  for (unsigned i = 0; i < head->e_shnum && names->sh_type == SHT_STRTAB; ++i) {
    char name[sizeof MAD_HEADER_SECTION];
    if (names->sh_size < length || sections[i].sh_name > names->sh_size - length)
      continue;
    const mad_status status =
        mad_file_read(f, name, length, names->sh_offset + sections[i].sh_name);
    if (status != MAD_OK)
      return status;
    if (memcmp(name, MAD_HEADER_SECTION, length) != 0 || sections[i].sh_type != SHT_PROGBITS)
      continue;
    *found = sections[i];
    return MAD_OK;
  }
  return mad_error_foreign(f->error, f->path);
}

static mad_status readHeader(const mad_file *f, mad_file_facts *facts, uint64_t *offset) {
  Elf64_Ehdr head;
  mad_status status = checkKind(f, &head);
  if (status != MAD_OK)
    return status;
  const size_t bytes = head.e_shnum * sizeof(Elf64_Shdr);
  Elf64_Shdr *sections = malloc(bytes);
  if (!sections)
    return mad_error_memory(f->error, "the section table of a file", bytes);
  Elf64_Shdr section;
  status = mad_file_read(f, sections, bytes, head.e_shoff);
  if (status == MAD_OK)
    status = findHeader(f, &head, sections, &section);
  free(sections);
  if (status != MAD_OK)
    return status;
  /* The first fields tell the version, whatever the size. */
  const uint64_t first = offsetof(mad_file_header, format_version);
  memset(&facts->header, 0, sizeof facts->header);
  if (section.sh_size < first)
    return mad_error_header_size(f->error, f->path, section.sh_size);
  *offset = section.sh_offset;
  facts->header_address = section.sh_addr;
  status = mad_file_read(f, &facts->header, first, section.sh_offset);
  if (status != MAD_OK)
    return status;
  mad_file_header *header = &facts->header;
  if (header->magic != MAD_ARTIFACT_MAGIC)
    return mad_error_foreign(f->error, f->path);
  header->compiler[sizeof header->compiler - 1] = 0;
  if (header->abi_version != MAD_ABI_VERSION)
    return mad_error_file_abi(f->error, f->path, header);
  if (header->size != sizeof *header || section.sh_size != sizeof *header)
    return mad_error_header_size(f->error, f->path, section.sh_size);
  return mad_file_read(f, header, sizeof *header, section.sh_offset);
}

/* The checksum of the file without its weights, as if that in its header were zero. */
static mad_status sumFile(const mad_file *f, const mad_file_header *header, uint64_t at,
                          uint64_t *value) {
  const uint64_t width = sizeof header->checksum;
  const uint64_t first = header->weights_offset, next = first + header->weights_bytes;
  mad_checksum sum;
  mad_checksum_start(&sum);
  mad_status status = mad_file_sum(f, &sum, 0, first, at, width);
  if (status == MAD_OK)
    status = mad_file_sum(f, &sum, next, f->bytes, at, width);
  *value = mad_checksum_value(&sum);
  return status;
}

static mad_status verify(const mad_file *f, mad_file_facts *facts) {
  uint64_t offset = 0, sum = 0;
  mad_status status = readHeader(f, facts, &offset);
  if (status != MAD_OK)
    return status;
  mad_file_header *header = &facts->header;
  if (header->format_version != MAD_FORMAT_VERSION)
    return mad_error_file_format(f->error, f->path, header);
  if (header->file_bytes != f->bytes)
    return mad_error_file_size(f->error, f->path, f->bytes, header->file_bytes);
  if (!mad_file_has(f, header->weights_offset, header->weights_bytes))
    return mad_error_cut(f->error, f->path, "the section of weights",
                         header->weights_offset + header->weights_bytes, f->bytes);
  status = sumFile(f, header, offset + offsetof(mad_file_header, checksum), &sum);
  if (status != MAD_OK)
    return status;
  if (sum != header->checksum)
    return mad_error_checksum(f->error, f->path, sum, header->checksum);
  header->target[sizeof header->target - 1] = 0;
  if (strcmp(header->target, MAD_TARGET) != 0)
    return mad_error_target(f->error, f->path, header->target);
  const uint64_t lacking = header->features & ~mad_cpu_features();
  return lacking ? mad_error_file_level(f->error, f->path, header->level, mad_cpu_level(), lacking)
                 : MAD_OK;
}

mad_status mad_file_verify(const char *path, mad_file_facts *facts, mad_error *error) {
  mad_file file;
  mad_status status = mad_file_open(path, &file, error);
  if (status != MAD_OK)
    return status;
  status = verify(&file, facts);
  mad_file_close(&file);
  return status;
}
