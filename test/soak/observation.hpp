#ifndef COAUTH_TEST_SOAK_OBSERVATION_HPP
#define COAUTH_TEST_SOAK_OBSERVATION_HPP

#include "sanitizers.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace soak
{

// Sanitizers delay the release of memory and are slow.
inline constexpr bool sanitized = test::address_sanitizer || test::thread_sanitizer;

// In MiB.
struct memory
{
    // The resident set of the process.
    double resident;
    // Allocated and not freed.
    double in_use;
};

memory memory_now();
std::size_t descriptors_now();
// Raises the limit of descriptors to the hard limit.
void allow_many_descriptors();

// One measurement.
struct sample
{
    double seconds;
    memory used;
    std::size_t descriptors;
    // Fetches that have not completed.
    std::size_t in_flight;
    // Fetches that have a connection.
    std::size_t on_connections;
    // Per second, since the previous sample.
    double tokens;
    double failures;
};

// `show` prints charts of text; `write_table` writes a table for chart.py.
void show(std::vector<sample> const& samples);
void write_table(std::vector<sample> const& samples, std::string const& file);

// Whether memory grew from the middle third of the samples to the last. The first third, in which
// caches and pools fill, does not count.
bool grew(std::vector<sample> const& samples);

} // namespace soak

#endif
