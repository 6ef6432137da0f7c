#ifndef COAUTH_TEST_SOAK_OBSERVATION_HPP
#define COAUTH_TEST_SOAK_OBSERVATION_HPP

#include "sanitizers.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace soak
{

// Sanitizers keep freed memory, and are slow.
inline constexpr bool sanitized = test::address_sanitizer || test::thread_sanitizer;

// MiB.
struct memory
{
    // What the process has of the system.
    double resident;
    // What was allocated and not freed.
    double in_use;
};

memory memory_now();
std::size_t descriptors_now();
// As many descriptors as this process may have.
void allow_many_descriptors();

// What was seen at one moment.
struct sample
{
    double seconds;
    memory taken;
    std::size_t descriptors;
    // Fetches that have not ended.
    std::size_t in_flight;
    // Those of them that have a connection.
    std::size_t on_connections;
    // Since the sample before, by second.
    double tokens;
    double failures;
};

// Lines of text, and a table for the chart.
void show(std::vector<sample> const& samples);
void write_table(std::vector<sample> const& samples, std::string const& file);

// The last third against the middle one; the first is for caches and pools to fill.
bool grew(std::vector<sample> const& samples);

} // namespace soak

#endif
