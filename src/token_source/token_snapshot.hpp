#ifndef COAUTH_SRC_TOKEN_SOURCE_TOKEN_SNAPSHOT_HPP
#define COAUTH_SRC_TOKEN_SOURCE_TOKEN_SNAPSHOT_HPP

#include <coauth/access_token.hpp>

#include "token_source/thread_token_cache.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace coauth::detail
{

// The token that all threads may take now, made for taking it very often.
//
// The first take of each thread gets a cached token of uses of a branch of the token, in memory of
// the thread; later ones use up that cached token, and write nothing that another thread looks at.
// What is shared is one number, which is changed when the token is, and only read otherwise.
//
// Taking back a cached token, when the token changes, must not meet its thread in the middle of a
// take. That thread says so before it looks at the number, and whoever changes the number looks at
// that afterwards; the costly barrier between the two steps is on the side of the change alone,
// where the system has it (membarrier).
class token_snapshot
{
public:
    using life = token_life;

    token_snapshot();
    ~token_snapshot();
    token_snapshot(token_snapshot const&) = delete;
    token_snapshot& operator=(token_snapshot const&) = delete;

    // A copy, if this thread has a cached token of the token and need not look at the clocks: so
    // nearly always. Else none, and `load_slow` tells.
    access_token take() noexcept
    {
        // A call first: then the rest finds room in registers.
        std::int64_t const second = wall_second();
        thread_token_cache* const mine = thread_token_cache::here;
        if (mine == nullptr)
            return {};
        return mine->take(slot_, number_, second);
    }
    // A copy, or none where there is none or its end has come. Says in `due` whether it has to be
    // renewed.
    access_token load_slow(bool& due) noexcept;

    // In place of the one before, if any.
    void publish(access_token token, life const& until) noexcept;
    void clear() noexcept;

    // How many were taken so far.
    [[nodiscard]] std::uint64_t taken() const noexcept;

private:
    access_token load_and_cache(thread_token_cache* mine, bool& due) noexcept;
    void change(access_token token, life const& until, std::uint64_t number) noexcept;

    // Read by every take: on a line of its own.
    alignas(64) std::atomic<std::uint64_t> number_{0};
    std::size_t const slot_;

    alignas(64) std::mutex mutable mutex_;
    access_token token_;
    life life_{};
    // Some thread may have a cached token of it.
    bool stocked_ = false;
    std::shared_ptr<std::atomic<std::uint64_t>> taken_;
    std::uint64_t mutable max_hits_seen_ = 0;
};

} // namespace coauth::detail

#endif
