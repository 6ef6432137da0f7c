#ifndef COAUTH_SRC_CRYPTO_PEM_BUNDLE_HPP
#define COAUTH_SRC_CRYPTO_PEM_BUNDLE_HPP

#include <coauth/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::crypto
{

struct pem_block
{
    // As in "-----BEGIN CERTIFICATE-----".
    std::string label;
    // Of the BEGIN marker, from 1.
    std::size_t line = 0;
    // Without white space; empty for a key.
    std::string base64;
};

// The block alone, in the form that OpenSSL reads.
std::string pem_text(pem_block const& block);

// The blocks of a PEM file (RFC 7468). Text around them is skipped. Blocks may be indented, follow
// each other on one line, and have lines of any length. A block without its other marker is an
// error with its line: a damaged bundle must not lose certificates silently. `name` names the file
// in messages.
result<std::vector<pem_block>> split_pem(std::string_view text, std::string const& name);

// For a block that OpenSSL could not read.
error damaged_block(pem_block const& block, std::string const& name);

} // namespace coauth::crypto

#endif
