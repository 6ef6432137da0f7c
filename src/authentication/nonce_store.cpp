#include "authentication/nonce_store.hpp"

#include <algorithm>

namespace coauth::detail
{
namespace
{

// A program talks to far fewer; a server cannot make the store grow without end.
constexpr std::size_t max_origins = 1000;
constexpr std::size_t max_nonce_size = 1024;

bool is_nonce(std::string_view text)
{
    return !text.empty() && text.size() <= max_nonce_size &&
           std::all_of(
               text.begin(), text.end(),
               [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

} // namespace

std::string nonce_store::find(std::string const& origin)
{
    std::lock_guard const lock(mutex_);
    auto const found = by_origin_.find(origin);
    return found == by_origin_.end() ? std::string() : found->second->second;
}

void nonce_store::store(std::string const& origin, std::string_view nonce)
{
    if (!is_nonce(nonce))
        return;
    std::lock_guard const lock(mutex_);
    if (auto const found = by_origin_.find(origin); found != by_origin_.end())
    {
        found->second->second = nonce;
        entries_.splice(entries_.begin(), entries_, found->second);
        return;
    }
    // If an allocation fails, neither container has the entry.
    entry_list entry;
    entry.emplace_front(origin, nonce);
    by_origin_.emplace(origin, entry.begin());
    entries_.splice(entries_.begin(), entry);
    if (entries_.size() <= max_origins)
        return;
    by_origin_.erase(entries_.back().first);
    entries_.pop_back();
}

} // namespace coauth::detail
