# A controller that does not answer, as while it is restarted: Snakemake's plugin forgets the jobs that it asked about, and
# waits for them for ever.  Here no answer is one that tells nothing of any job, so that they are asked about again.

slurm_plugin = sys.modules.get("snakemake_executor_plugin_slurm")

# what a version of it without this function does is told by tests/cluster
if ask := getattr(slurm_plugin, "query_job_status", None):

    async def ask_again(command, logger):
        states, seconds = await ask(command, logger)
        return ({}, 0.0) if states is None else (states, seconds)

    slurm_plugin.query_job_status = ask_again
